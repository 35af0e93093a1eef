import Contracts
import HTTPCore
import Lifecycle
import PlatformInternals
import UVHTTPServer

extension LifecycleRefusal: APIErrorConvertible {
    /// The error for the client.
    package var apiError: APIError {
        switch self {
        case .unknown: APIError(.notFound, ErrorMessage.workspaceNotFound)
        case .alreadyPaused: APIError(.notFound, "workspace not found or already paused")
        case .notPaused: APIError(.notFound, "workspace not found or not paused")
        case .parentIsPaused: APIError(.conflict, "parent workspace is paused — resume it first")
        case .isExternal: APIError(.conflict, "external workspaces are started and stopped by their owner")
        case .wrongStatus(let status):
            APIError(
                .conflict, "not possible while the workspace is \(status.rawValue)",
                members: [(name: "status", value: .string(status.rawValue))])
        case .hasActiveTasks(let count):
            APIError(
                .conflict, "workspace has active tasks", members: [(name: "active_tasks", value: .int(count))])
        case .needsConfirmation: APIError(.conflict, "confirmation required")
        case .isGrowing: .platformUnavailable
        case .noProvisioner: APIError(.serviceUnavailable, ErrorMessage.provisionerNotAvailable)
        }
    }
}
