import Foundation
import Postgres

/// Access to secrets in plaintext: seals values on their way into the store, and opens them on their way out.
package struct SecretVault: Sendable {
    private let store: SecretStore
    private let keys: SecretKeys
    private let changed: ChangeHandler

    /// Called in the transaction that changes a value: workspaces that run with the old one must be restarted.
    package typealias ChangeHandler = @Sendable (SecretID, Transaction) async throws -> Void

    package init(store: SecretStore, keys: SecretKeys, changed: @escaping ChangeHandler) {
        self.store = store
        self.keys = keys
        self.changed = changed
    }

    /// The environment of a workspace's agent: the global secrets, overridden by its own.
    ///
    /// - Throws: `SecretError` when one of them cannot be decrypted, whose description is a safe sentence;
    ///   `PostgresError`.
    package func environment(of workspace: UUID) async throws -> [String: String] {
        try open(try await store.effective(for: workspace))
    }

    /// As `environment`, for a start: a change that is not included repeats the start.
    package func environment(forStartOf workspace: UUID) async throws -> [String: String] {
        try open(try await store.effectiveAfterPendingChanges(for: workspace))
    }

    private func open(_ secrets: [(secretID: SecretID, sealed: SealedSecret)]) throws(SecretError) -> [String: String] {
        var values: [String: String] = [:]
        for (secretID, sealed) in secrets {
            guard let opened = keys.open(sealed, at: secretID) else { throw SecretError(undecryptable: secretID) }
            values[secretID.key] = opened.value
        }
        return values
    }

    /// Sets a secret.
    ///
    /// - Throws: `SecretError.noWorkspace`, `PostgresError`.
    package func put(_ value: String, at secretID: SecretID) async throws {
        try await change(secretID) { transaction in
            let old = try await store.get(secretID, in: transaction)
            try await store.put(keys.seal(value, at: secretID), at: secretID, in: transaction)
            // Setting a secret repairs one that cannot be opened; no workspace can be running with its old value.
            return old.flatMap { keys.open($0, at: secretID)?.value } != value
        }
    }

    /// Removes a secret.
    ///
    /// - Returns: false when there is none.
    /// - Throws: `SecretError.noWorkspace`, `PostgresError`.
    package func remove(_ secretID: SecretID) async throws -> Bool {
        try await change(secretID) { transaction in try await store.remove(secretID, in: transaction) }
    }

    /// - Parameter write: returns whether anything is different now.
    @discardableResult
    private func change(_ secretID: SecretID, _ write: (Transaction) async throws -> Bool) async throws -> Bool {
        try await store.postgres.transaction { try await change(secretID, $0, write) }
    }

    private func change(
        _ secretID: SecretID, _ transaction: Transaction, _ write: (Transaction) async throws -> Bool
    ) async throws -> Bool {
        if let workspace = secretID.workspace {
            guard try await store.lock(workspace, in: transaction) else { throw SecretError.noWorkspace }
        } else {
            try await store.lockAll(in: transaction)
        }
        guard try await write(transaction) else { return false }
        try await changed(secretID, transaction)
        return true
    }

    // MARK: - Rotation

    /// The result of a pass over all secrets.
    package struct Rotation: Sendable, Hashable {
        /// Sealed by another key than the first, now by the first.
        package var reencrypted = 0
        /// No key opens them.
        package var unreadable = 0
    }

    private static let pageSize = 200

    /// Seals with the first key what another one sealed, so that the others can be removed. Safe to run concurrently.
    ///
    /// - Throws: `PostgresError`; what was done until then stays.
    package func rotate() async throws -> Rotation {
        var rotation = Rotation()
        for isGlobal in [true, false] {
            var last: SecretID?
            while true {
                let page = try await store.page(isGlobal: isGlobal, after: last, limit: Self.pageSize)
                for (secretID, sealed) in page { try await reseal(sealed, at: secretID, &rotation) }
                guard page.count == Self.pageSize else { break }
                last = page.last?.secretID
            }
        }
        return rotation
    }

    private func reseal(_ sealed: SealedSecret, at secretID: SecretID, _ rotation: inout Rotation) async throws {
        guard let opened = keys.open(sealed, at: secretID) else {
            rotation.unreadable += 1
            return
        }
        if opened.isCurrent { return }
        let new = keys.seal(opened.value, at: secretID)
        if try await store.replace(sealed, by: new, at: secretID) { rotation.reencrypted += 1 }
    }
}
