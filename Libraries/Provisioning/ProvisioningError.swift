import Contracts
import PlatformInternals

/// A failed call to a backend.
///
/// ``message`` may be shown to clients. ``detail`` is for the log alone; values of the environment and tokens are
/// redacted in it, since engines quote requests in their errors.
package struct ProvisioningError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// No backend is configured.
        case noBackend = "no_backend"
        /// The backend did not respond in time, or responded with a temporary error.
        case unavailable
        /// The container or the volume is in use at the moment.
        case conflict
        /// The backend refuses the call; a retry will not succeed.
        case refused
        /// There is no image for this runtime, or it cannot be pulled.
        case imageMissing = "image_missing"
        /// No image is configured for the runtime.
        case unknownRuntime = "unknown_runtime"
        /// The specification is not valid; no call was made.
        case invalid
        /// There is no such container, or no such file in it.
        case missing
        /// A part of the file's path is a link, or it is no regular file.
        case unsafePath = "unsafe_path"
    }

    /// The failed operation.
    package enum Operation: Sendable, Hashable {
        case start, stop, inspect, removeVolume, list, pull, copyIn, copyOut
    }

    package let kind: Kind
    package let operation: Operation
    /// For the log only.
    package let detail: String

    package init(_ kind: Kind, _ operation: Operation, detail: String = "") {
        self.kind = kind
        self.operation = operation
        self.detail = detail
    }

    /// Whether a retry may succeed.
    package var isTransient: Bool { kind == .unavailable || kind == .conflict }

    /// The error message for clients.
    package var message: String {
        if kind == .noBackend { return ErrorMessage.provisionerNotAvailable }
        return switch operation {
        case .start: ErrorMessage.workspaceStartFailed
        case .stop: ErrorMessage.workspaceStopFailed
        case .removeVolume: ErrorMessage.volumeRemovalFailed
        case .inspect, .list, .pull, .copyIn, .copyOut: ErrorMessage.provisionerNotAvailable
        }
    }

    package var description: String {
        detail.isEmpty ? "\(operation): \(kind.rawValue)" : "\(operation): \(kind.rawValue): \(detail)"
    }
}
