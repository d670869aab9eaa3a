import ArgumentParser

/// What somebody may have meant who mistyped the name of a command.
enum Suggestion {
    /// Names that differ in more letters than this are others, not slips.
    static let slips = 2

    /// The command that the arguments nearly name; nil when they name one, or none by far.
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
            let near = names.map { (name: $0, distance: distance(Array($0.utf8), Array(word.utf8.prefix(64)))) }
                .min { $0.distance < $1.distance }
            guard let near, near.distance <= slips else { return nil }
            return "\(path) \(near.name)"
        }
        return nil
    }

    /// How many letters have to be put in, taken out or changed to make one of the other (Levenshtein's distance).
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (index, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (place, otherLetter) in other.enumerated() {
                let change = diagonal + (letter == otherLetter ? 0 : 1)
                diagonal = row[place + 1]
                row[place + 1] = min(change, row[place] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
