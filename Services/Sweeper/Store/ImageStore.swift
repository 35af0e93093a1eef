import Foundation
import Lifecycle
import Postgres

/// The statements about images: what was last seen of them, and who runs in containers made from them.
package struct ImageStore: Sendable {
    let postgres: PostgresPool
    let lifecycle: LifecycleStore

    package init(postgres: PostgresPool, lifecycle: LifecycleStore) {
        self.postgres = postgres
        self.lifecycle = lifecycle
    }

    /// What an image's name stood for when the fleet was last brought up to it.
    package struct Observation: Sendable, Hashable {
        package var image: String
        package var digest: String

        package init(image: String, digest: String) {
            self.image = image
            self.digest = digest
        }
    }

    private static let read = Statement(
        "image_read", "SELECT image, digest FROM image_observations WHERE runtime = $1")

    package func observation(of runtime: String) async throws(PostgresError) -> Observation? {
        try await postgres.query(Self.read, [runtime]).first { Observation(image: $0.string(0), digest: $0.string(1)) }
    }

    private static let workspaces = Statement(
        "image_workspaces",
        """
        SELECT id FROM workspaces
        WHERE runtime = $1 AND managed AND NOT external AND status IN ('provisioning', 'online', 'degraded', 'offline')
        ORDER BY id
        """)

    /// The workspaces of a runtime that may have a container now. Those that are paused or asleep get a new one anyway.
    package func workspaces(of runtime: String) async throws(PostgresError) -> [UUID] {
        try await postgres.query(Self.workspaces, [runtime]).map { $0.uuid(0) }
    }

    private static let write = Statement(
        "image_write",
        """
        INSERT INTO image_observations (runtime, image, digest) VALUES ($1, $2, $3)
        ON CONFLICT (runtime) DO UPDATE SET image = $2, digest = $3, observed_at = now()
        """)

    /// Has workspaces started anew, and takes note of the image that they get: both or neither, so that whoever dies in
    /// between leaves it to the next pass.
    ///
    /// - Parameter observation: `nil` leaves the one that there is.
    package func recreate(
        _ workspaces: [UUID], of runtime: String, _ observation: Observation?
    ) async throws {
        try await postgres.transaction { transaction in
            try await lifecycle.imageChanged(of: workspaces, transaction)
            guard let observation else { return }
            _ = try await transaction.query(Self.write, [runtime, observation.image, observation.digest])
        }
    }
}
