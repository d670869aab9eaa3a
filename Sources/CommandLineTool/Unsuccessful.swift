/// What a command looked at is not well, and its results say so already: the process exits with 1 and says no more.
struct Unsuccessful: Error {}
