import Contracts

/// Why a backend did not do what it was asked to.
///
/// ``sentence`` may be shown to anyone. ``detail`` is for the log alone; values of the environment and tokens are
/// struck out of it, since engines like to quote what they were sent.
package struct ProvisioningError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Nothing is configured that could start a workspace.
        case noBackend = "no_backend"
        /// The backend did not answer, or not in time, or said that it is in trouble.
        case unavailable
        /// Something else has hold of the container or the volume at the moment.
        case conflict
        /// The backend will not do this, however often it is asked.
        case refused
        /// There is no image for this runtime, or it cannot be pulled.
        case imageMissing = "image_missing"
        /// The runtime is none that we have an image for.
        case unknownRuntime = "unknown_runtime"
        /// The specification is none that could be started; nothing was asked of the backend.
        case invalid
        /// There is no such container, or no such file in it.
        case missing
        /// On the way to the file is a link, or it is no regular file.
        case unsafePath = "unsafe_path"
    }

    /// What was asked for.
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

    /// The same call may succeed later.
    package var isTransient: Bool { kind == .unavailable || kind == .conflict }

    /// What a client may be told.
    package var sentence: String {
        if kind == .noBackend { return Sentence.provisionerNotAvailable }
        return switch operation {
        case .start: Sentence.workspaceStartFailed
        case .stop: Sentence.workspaceStopFailed
        case .removeVolume: Sentence.volumeRemovalFailed
        case .inspect, .list, .pull, .copyIn, .copyOut: Sentence.provisionerNotAvailable
        }
    }

    package var description: String {
        detail.isEmpty ? "\(operation): \(kind.rawValue)" : "\(operation): \(kind.rawValue): \(detail)"
    }
}
