import Foundation
import Provisioning
import UVLoop

/// Recreates containers when the image of their runtime has changed in its registry.
///
/// A failure leaves the stored observation unchanged, so that the next pass retries. A container that was created from
/// the new image already is not changed.
package struct ImageRefresher: Sendable {
    /// Containers inspected concurrently.
    private static let concurrency = 8
    /// How long a request waits for another refresh in progress: as long as a pull may take.
    private static let timeout: Duration = .seconds(900)

    let images: WorkspaceImages
    let backend: any ImageBackend
    let registry: ImageRegistry
    let store: ImageStore
    let leases: LeaseStore
    private let wake: @Sendable () -> Void
    let loop: EventLoop

    package init(
        images: WorkspaceImages, backend: any ImageBackend, registry: ImageRegistry, store: ImageStore,
        leases: LeaseStore, wake: @escaping @Sendable () -> Void, loop: EventLoop
    ) {
        self.images = images
        self.backend = backend
        self.registry = registry
        self.store = store
        self.leases = leases
        self.wake = wake
        self.loop = loop
    }

    package var knownRuntimes: [String] { images.knownRuntimes }

    /// The result of checking one runtime's image.
    package enum Outcome: Sendable, Hashable {
        /// Seen for the first time under this name.
        case seeded
        case unchanged
        /// Pulled; with the number of containers to be recreated.
        case refreshed(containers: Int)
        /// Another instance holds the lease.
        case busy
    }

    /// Pulls a runtime's image if its registry has a new one, and has its containers recreated.
    package func refreshIfChanged(_ runtime: String) async throws -> Outcome {
        guard let image = images.image(for: runtime) else { return .unchanged }
        let outcome = try await leases.holding(Self.lease(runtime)) {
            let seen = ImageStore.Observation(image: image, digest: try await registry.digest(of: image))
            let before = try await store.observation(of: runtime)
            if before == seen { return Outcome.unchanged }
            guard before?.image == image else {
                try await store.recreate([], of: runtime, seen)
                return .seeded
            }
            let id = try await backend.pull(image)
            let (created, failure) = try await containers(of: runtime, createdFrom: image)
            let outdated = created.filter { $0.image != id }
            // A container that the engine could not report on does not block the others, and is inspected again.
            try await store.recreate(outdated.map(\.workspace), of: runtime, failure == nil ? seen : nil)
            wake()
            if let failure { throw failure }
            return .refreshed(containers: outdated.count)
        }
        return outcome ?? .busy
    }

    /// Pulls a runtime's image, changed or not.
    ///
    /// - Parameter recreates: whether all containers of the image are recreated.
    /// - Returns: the names of those containers.
    /// - Throws: ``ProvisioningError``, `PostgresError`; `conflict` when another refresh does not end in time.
    package func refresh(_ runtime: String, recreates: Bool) async throws -> [String] {
        let deadline = ContinuousClock.now + Self.timeout
        while true {
            if let names = try await refreshOnce(runtime, recreates) { return names }
            guard ContinuousClock.now < deadline else {
                throw ProvisioningError(.conflict, .pull, detail: "another refresh of \(runtime) is under way")
            }
            try await loop.sleep(for: .seconds(1))
        }
    }

    private func refreshOnce(_ runtime: String, _ recreates: Bool) async throws -> [String]? {
        guard let image = images.image(for: runtime) else { throw ProvisioningError(.unknownRuntime, .pull) }
        return try await leases.holding(Self.lease(runtime)) {
            _ = try await backend.pull(image)
            guard recreates else { return [] }
            let (created, failure) = try await containers(of: runtime, createdFrom: image)
            let all = created.map(\.workspace)
            try await store.recreate(all, of: runtime, nil)
            wake()
            if let failure { throw failure }
            return all.map { WorkspaceName($0).container }
        }
    }

    private static func lease(_ runtime: String) -> String { "image \(runtime)" }

    private struct CreatedContainer: Sendable {
        var workspace: UUID
        /// The id of the image that it was created from.
        var image: String
    }

    /// The workspaces of a runtime with a container that was created from this image, compared by the configured name
    /// and not by the digest.
    ///
    /// - Returns: also the first error of the engine.
    private func containers(
        of runtime: String, createdFrom image: String
    ) async throws -> (created: [CreatedContainer], failure: (any Error)?) {
        var rest = try await store.workspaces(of: runtime).makeIterator()
        return await withTaskGroup(of: Result<CreatedContainer?, any Error>.self) { group in
            let backend = backend
            func add(_ id: UUID) {
                group.addTask {
                    do {
                        guard let container = try await backend.image(of: WorkspaceName(id)),
                            ImageReference.areSame(container.name, image)
                        else { return .success(nil) }
                        return .success(CreatedContainer(workspace: id, image: container.id))
                    } catch { return .failure(error) }
                }
            }
            for _ in 0..<Self.concurrency { if let id = rest.next() { add(id) } }
            var (found, failure): ([CreatedContainer], (any Error)?) = ([], nil)
            while let result = await group.next() {
                switch result {
                case .success(let container?): found.append(container)
                case .success(nil): break
                case .failure(let error): failure = failure ?? error
                }
                if let id = rest.next() { add(id) }
            }
            return (found.sorted { $0.workspace.uuidString < $1.workspace.uuidString }, failure)
        }
    }
}
