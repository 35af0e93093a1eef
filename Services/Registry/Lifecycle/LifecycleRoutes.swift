import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Lifecycle
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// Restart, pause, resume, hibernate and delete.
struct LifecycleRoutes: Sendable {
    let context: ServiceContext
    let store: LifecycleStore
    let worker: LifecycleWorker
    let jobWaiter: JobWaiter

    func add(to router: inout Router) {
        router.on(.post, "/workspaces/{id}/restart", restart)
        router.on(.post, "/workspaces/{id}/pause", pause)
        router.on(.post, "/workspaces/{id}/resume", resume)
        router.on(.post, "/workspaces/{id}/hibernate", hibernate)
        router.on(.delete, "/workspaces/{id}", delete)
    }

    /// Publishes the events of a committed change, and wakes the worker for its jobs.
    func committed(_ events: [CommittedEvent]) {
        context.relay.committed(events)
        worker.wake()
    }

    private func restart(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).authorized(request)
        committed(try await store.restart(id, reason: "restart requested").events)
        return try .wire(.ok, LifecycleResponse(status: WorkspaceStatus.provisioning.rawValue))
    }

    private func pause(_ request: Request) async throws -> Response {
        let change = try await store.pause(try await WorkspaceAuthorization(context: context).authorized(request))
        committed(change.events)
        return try .wire(.ok, LifecycleResponse(status: WorkspaceStatus.paused.rawValue, pausedCount: change.count))
    }

    private func resume(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).authorized(request)
        let change = try await store.resume(id)
        committed(change.events)
        return try .wire(.ok, LifecycleResponse(status: change.status(of: id).rawValue, resumedCount: change.count))
    }

    private func hibernate(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).authorized(request)
        let change = try await store.hibernate(id, isForced: try request.flag("force"))
        committed(change.events)
        let isHibernated = try await jobWaiter.failures(of: change.jobs).isEmpty
        let status: WorkspaceStatus = isHibernated ? .hibernated : .hibernating
        return try .wire(.ok, LifecycleResponse(status: status.rawValue))
    }

    // MARK: - Delete

    private func delete(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        let purges = try request.flag("purge")
        let deletion: LifecycleStore.Deletion
        do {
            deletion = try await store.delete(
                id, isConfirmed: try request.flag("confirm"), purges: purges, removed: removed)
        } catch LifecycleRefusal.needsConfirmation(let children) {
            return try .wire(.conflict, DeleteConfirmation(children: children, childrenCount: children.count))
        }
        committed(deletion.events)
        let failures = try await jobWaiter.failures(of: deletion.jobs)
        guard failures.isEmpty else {
            return try .wire(
                .internalServerError,
                DeleteFailure(
                    error: ErrorMessage.workspaceStopFailed, removedCount: deletion.descendants + 1,
                    stopFailures: failures))
        }
        return try .wire(
            .ok, DeleteResponse(status: purges ? "purged" : "removed", cascadeDeleted: deletion.descendants))
    }

    /// Invalidates the cached tokens in this instance; the other instances are notified by the events.
    func removed(_ deletion: LifecycleStore.Deletion) {
        for id in deletion.workspaces { context.authenticator.invalidateTokens(of: id) }
        committed(deletion.events)
    }
}
