import Contracts

extension Sentence {
    /// More streams than one caller, or than the process, may have.
    static let tooManyStreams = "too many open streams"
    /// More unused tickets than one credential may have.
    static let tooManyTickets = "too many unused stream tickets"
    /// A stream of more than its ticket was made for.
    static let ticketForOthers = "ticket is for other events"
    /// More searches at once than one caller, or than the process, may have.
    static let tooManySearches = "too many searches"
    /// A search that did not come to an end.
    static let searchTooLong = "search took too long"
    /// More in responses that have not been read than one caller, or than the process, may have.
    static let tooManyResponses = "too many responses in memory"
    /// More uploads or downloads at once than one caller, or than the process, may have.
    static let tooManyTransfers = "too many file transfers"
    /// An upload without a file.
    static let noFiles = "no files"
    /// A file of an upload that is larger than one may be.
    static let fileTooLarge = "file too large"
    /// An upload of more files than one may have.
    static let tooManyFiles = "too many files"
    /// A body in another form.
    static let notAForm = "Content-Type must be multipart/form-data with a boundary"
    /// Nothing is configured that could keep the files of workspaces without a container.
    static let noFileStore = "no file store is configured for workspaces without a container"
    /// What keeps the files does not answer, or takes nothing.
    static let fileStoreUnavailable = "file store unavailable — retry shortly"
    /// This machine cannot hold what is being uploaded.
    static let noRoomForUploads = "no room for uploads — retry shortly"
    /// The workspace has as many files, or as many bytes of them, as it may.
    static let fileQuotaExceeded = "workspace has too many chat files"
    /// The workspace's container is not there.
    static let containerNotFound = "workspace container not found"
    /// The container refuses the files.
    static let containerRefusedFiles = "workspace container did not take the files"
    /// No such file of the workspace.
    static let fileNotFound = "file not found"
    /// A path that is none of a workspace's own files.
    static let invalidPath = "invalid path"
    /// A range that is none of the file.
    static let rangeNotSatisfiable = "range not satisfiable"
}
