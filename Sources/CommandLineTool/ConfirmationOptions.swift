import ArgumentParser

/// The option of every command that asks before it does something.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false
}
