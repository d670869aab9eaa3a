/// The limits on resolving names.
package struct NameLimits: Sendable {
    /// How many look-ups run at once. Each blocks a thread; too few, and some dead name servers hold up all other names.
    package var maximumThreads = 8
    /// How many names wait for a thread. Beyond it, look-ups fail at once.
    package var maximumQueued = 1024
    /// How long anyone waits for a look-up, whatever the operating system does.
    package var budget: Duration = .seconds(5)
    /// How long an answer is used. Longer, and a moved endpoint is missed for longer.
    package var lifetime: Duration = .seconds(10)
    /// How long a failure or a refusal is used.
    package var failureLifetime: Duration = .seconds(2)
    /// How long after its time an answer is still used when the name servers are silent or failing.
    package var staleLifetime: Duration = .seconds(300)
    /// How many names are remembered.
    package var maximumNames = 10_000
    /// How many addresses of a name are used. All are judged.
    package var maximumAddresses = 16

    /// The defaults.
    package init() {}
}
