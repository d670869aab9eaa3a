import ArgumentParser
import Settings

/// What a person may have meant who mistyped the name of a command.
enum Suggestion {
    /// Names that differ in more letters than this are not slips.
    static let slips = 2

    /// The command that the arguments nearly name; nil when they name one, or when none is near.
    static func command(near arguments: [String]) -> String? {
        var commands = PostriderCommand.configuration.subcommands
        var path = "postrider"
        for word in arguments {
            let names = commands.compactMap { $0.configuration.commandName }
            if let known = names.firstIndex(of: word) {
                commands = commands[known].configuration.subcommands
                path += " \(word)"
                continue
            }
            return Spelling.nearest(to: word, among: names, within: slips).map { "\(path) \($0)" }
        }
        return nil
    }
}
