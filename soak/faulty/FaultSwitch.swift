import Glibc

/// The faults of this test build. The environment says which one is on.
package enum FaultSwitch {
    private static let name = variable("FAULT_SWITCH")
    /// In place of `/etc/hosts`.
    package static let hostsFile = variable("FAULT_HOSTS") ?? "/etc/hosts"

    private static let clock = variable("FAULT_CLOCK")

    /// By how many seconds the wall clock is wrong now: what the file says that the environment names.
    package static var clockStep: Int64 {
        guard let clock else { return 0 }
        let descriptor = open(clock, O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 16)
        let count = read(descriptor, &text, text.count)
        return Int64(String(decoding: text.prefix(max(0, count)), as: UTF8.self)) ?? 0
    }

    package static func isOn(_ name: String) -> Bool { name == self.name }

    /// Ends this process as a crash does, at one of `count` passages by chance.
    package static func crash(at name: String, oneIn count: Int) {
        guard isOn(name), Int.random(in: 0..<count) == 0 else { return }
        kill(getpid(), SIGKILL)
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }
}
