import Authentication
import Contracts
import HTTPCore
import HTTPServer

/// How many uploads and downloads there may be at once, and how many bytes of uploads on this machine's disk.
struct TransferQuota: Sendable {
    private let uploads: CallerQuota
    private let bytes: CallerQuota
    private let downloads: CallerQuota

    init(_ settings: ChatFileSettings) {
        uploads = CallerQuota(total: settings.uploads) { caller in
            caller.isWorkspace ? settings.uploadsPerWorkspace : settings.uploads
        }
        bytes = CallerQuota(total: settings.spoolBytes) { caller in
            settings.spoolBytes / (caller.isWorkspace ? 4 : 2)
        }
        downloads = CallerQuota(total: settings.downloads) { caller in
            caller.isWorkspace ? settings.downloadsPerWorkspace : settings.downloads
        }
    }

    /// Bytes of uploads under way, as announced.
    var spooledBytes: Int { bytes.taken }

    /// Takes what an upload needs; it is given back when nobody holds the result any more.
    ///
    /// - Throws: `APIError` 429 when the caller has too many under way, 503 when everybody has.
    func upload(_ request: Request) throws(APIError) -> [Reservation] {
        // As long as one may be, where it is not announced.
        let longest = Limits.upload + Limits.uploadFraming
        let length = request.headers["content-length"].flatMap { Int($0) } ?? longest
        do throws(CallerQuota.Refusal) {
            return [
                try uploads.take(1, for: request.caller), try bytes.take(min(length, longest), for: request.caller),
            ]
        } catch {
            throw error.apiError(Sentence.tooManyTransfers)
        }
    }

    /// The same for a download.
    func download(_ request: Request) throws(APIError) -> Reservation {
        do {
            return try downloads.take(1, for: request.caller)
        } catch {
            throw error.apiError(Sentence.tooManyTransfers)
        }
    }
}
