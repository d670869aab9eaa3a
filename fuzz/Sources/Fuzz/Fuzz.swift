import Glibc

/// What libFuzzer calls with each input. `FUZZ` in the environment names the parser.
@_cdecl("LLVMFuzzerTestOneInput")
package func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    chosen(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

private let chosen: @Sendable ([UInt8]) -> Void = {
    let name = getenv("FUZZ").map { String(cString: $0) } ?? ""
    guard let parser = Parsers.all[name] else {
        fatalError("FUZZ must be one of \(Parsers.all.keys.sorted().joined(separator: ", "))")
    }
    return parser
}()

/// Ends the process, by which libFuzzer knows a fault.
func hold(_ condition: Bool, _ claim: @autoclosure () -> String) {
    guard condition else { fatalError(claim()) }
}
