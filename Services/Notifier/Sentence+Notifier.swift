import Contracts

extension Sentence {
    /// More streams than one caller, or than the process, may have.
    static let tooManyStreams = "too many open streams"
    /// More searches at once than one caller, or than the process, may have.
    static let tooManySearches = "too many searches"
    /// A search that did not come to an end.
    static let searchTooLong = "search took too long"
    /// More in responses that have not been read than one caller, or than the process, may have.
    static let tooManyResponses = "too many responses in memory"
}
