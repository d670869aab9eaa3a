import Settings

/// How long something has been waiting, for reading at a glance.
enum Lag {
    /// The two largest units; milliseconds only below a second, where they are all there is.
    static func text(_ duration: Duration) -> String {
        duration < .seconds(1)
            ? DurationText.short(duration) : DurationText.short(.seconds(duration.components.seconds))
    }
}
