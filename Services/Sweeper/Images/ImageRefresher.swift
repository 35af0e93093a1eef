import EventLoop
import Foundation
import Provisioning

/// Brings containers up to what their runtimes' images stand for now.
///
/// Whatever fails leaves the observation as it was, so that the next pass does it again. A container that was made from the
/// new image already stays as it is.
package struct ImageRefresher: Sendable {
    /// Containers looked at at the same time.
    private static let width = 8
    /// How long somebody who asked waits for a refresh that is under way: as long as a pull may take.
    private static let patience: Duration = .seconds(900)

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

    /// What a look at one runtime's image came to.
    package enum Outcome: Sendable, Hashable {
        /// Seen for the first time under this name.
        case seeded
        case unchanged
        /// Pulled; so many containers are started anew.
        case refreshed(containers: Int)
        /// Another instance is at it.
        case busy
    }

    /// Pulls a runtime's image if its registry has a new one, and has its containers made anew.
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
            let (made, failure) = try await containers(of: runtime, madeFrom: image)
            let outdated = made.filter { $0.image != id }
            // One that the engine says nothing about keeps none of the others back, and is asked for again.
            try await store.recreate(outdated.map(\.workspace), of: runtime, failure == nil ? seen : nil)
            wake()
            if let failure { throw failure }
            return .refreshed(containers: outdated.count)
        }
        return outcome ?? .busy
    }

    /// Pulls a runtime's image, changed or not.
    ///
    /// - Parameter recreates: and has all containers made from it made anew.
    /// - Returns: the names of those containers.
    /// - Throws: ``ProvisioningError``, `PostgresError`; `conflict` when another refresh does not come to its end.
    package func refresh(_ runtime: String, recreates: Bool) async throws -> [String] {
        let end = ContinuousClock.now + Self.patience
        while true {
            if let names = try await refreshOnce(runtime, recreates) { return names }
            guard ContinuousClock.now < end else {
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
            let (made, failure) = try await containers(of: runtime, madeFrom: image)
            let all = made.map(\.workspace)
            try await store.recreate(all, of: runtime, nil)
            wake()
            if let failure { throw failure }
            return all.map { WorkspaceName($0).container }
        }
    }

    private static func lease(_ runtime: String) -> String { "image \(runtime)" }

    private struct Made: Sendable {
        var workspace: UUID
        /// The id of the image that it was made from.
        var image: String
    }

    /// The workspaces of a runtime with a container that was made from this image, by its name as it was configured: what the
    /// name stood for then does not matter.
    ///
    /// - Returns: also why the engine did not say it of some.
    private func containers(
        of runtime: String, madeFrom image: String
    ) async throws -> (made: [Made], failure: (any Error)?) {
        var rest = try await store.workspaces(of: runtime).makeIterator()
        return await withTaskGroup(of: Result<Made?, any Error>.self) { group in
            let backend = backend
            func add(_ id: UUID) {
                group.addTask {
                    do {
                        guard let made = try await backend.image(of: WorkspaceName(id)),
                            ImageReference.areSame(made.name, image)
                        else { return .success(nil) }
                        return .success(Made(workspace: id, image: made.id))
                    } catch { return .failure(error) }
                }
            }
            for _ in 0..<Self.width { if let id = rest.next() { add(id) } }
            var (found, failure): ([Made], (any Error)?) = ([], nil)
            while let made = await group.next() {
                switch made {
                case .success(let made?): found.append(made)
                case .success(nil): break
                case .failure(let error): failure = failure ?? error
                }
                if let id = rest.next() { add(id) }
            }
            return (found.sorted { $0.workspace.uuidString < $1.workspace.uuidString }, failure)
        }
    }
}
