import Authentication
import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// The limits of concurrent uploads and downloads, and of bytes of uploads on this machine's disk.
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

    /// Bytes of uploads in flight, by their announced lengths.
    var spooledBytes: Int { bytes.taken }

    /// Reserves what an upload needs, until the result is released.
    ///
    /// - Throws: `APIError` 429 when the caller's limit is reached, 503 when the total is.
    func upload(_ request: Request) throws(APIError) -> [Reservation] {
        // The maximum, when the length is not announced.
        let maximum = Limits.upload + Limits.uploadFraming
        let length = request.headers["content-length"].flatMap { Int($0) } ?? maximum
        do throws(CallerQuota.Refusal) {
            return [
                try uploads.take(1, for: request.caller), try bytes.take(min(length, maximum), for: request.caller),
            ]
        } catch {
            throw error.apiError(ErrorMessage.tooManyTransfers)
        }
    }

    /// The same for a download.
    func download(_ request: Request) throws(APIError) -> Reservation {
        do {
            return try downloads.take(1, for: request.caller)
        } catch {
            throw error.apiError(ErrorMessage.tooManyTransfers)
        }
    }
}
