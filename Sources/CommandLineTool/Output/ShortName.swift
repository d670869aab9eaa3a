/// An endpoint's name within a sentence: cut, since the sentence is about something else. Commands need the whole name.
struct ShortName: CustomStringConvertible {
    let description: String

    /// Names may have 200 characters.
    private static let columns = 48

    init(_ name: String) {
        description = DisplayWidth.truncate(name, to: Self.columns)
    }
}
