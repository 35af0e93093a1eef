import Contracts
import PlatformInternals

extension ErrorMessage {
    /// More streams than one caller, or than the process, may have.
    static let tooManyStreams = "too many open streams"
    /// More unused tickets than one credential may have.
    static let tooManyTickets = "too many unused stream tickets"
    /// A stream with a wider filter than its ticket's.
    static let ticketForOthers = "ticket is for other events"
    /// More searches at once than one caller, or than the process, may have.
    static let tooManySearches = "too many searches"
    /// A search that timed out.
    static let searchTooLong = "search took too long"
    /// More memory in unread responses than one caller, or than the process, may have.
    static let tooManyResponses = "too many responses in memory"
    /// More uploads or downloads at once than one caller, or than the process, may have.
    static let tooManyTransfers = "too many file transfers"
    /// An upload without a file.
    static let noFiles = "no files"
    /// A file of an upload that exceeds the limit.
    static let fileTooLarge = "file too large"
    /// An upload with too many files.
    static let tooManyFiles = "too many files"
    /// A body of another type.
    static let notAForm = "Content-Type must be multipart/form-data with a boundary"
    /// No file store is configured for workspaces without a container.
    static let noFileStore = "no file store is configured for workspaces without a container"
    /// The file store does not respond, or refuses writes.
    static let fileStoreUnavailable = "file store unavailable — retry shortly"
    /// This machine's disk is full.
    static let noRoomForUploads = "no room for uploads — retry shortly"
    /// The workspace has reached its limit of files or bytes.
    static let fileQuotaExceeded = "workspace has too many chat files"
    /// The workspace's container does not exist.
    static let containerNotFound = "workspace container not found"
    /// The container refuses the files.
    static let containerRefusedFiles = "workspace container did not take the files"
    /// No such file of the workspace.
    static let fileNotFound = "file not found"
    /// A path outside of the workspace's folders, or malformed.
    static let invalidPath = "invalid path"
    /// A range outside of the file.
    static let rangeNotSatisfiable = "range not satisfiable"
}
