import Observability
import ServiceLifecycle
import UVLoop

/// Re-encrypts secrets while there is more than one key. Periodically: an instance without the new key still seals with
/// the old one.
package struct SecretRotation: GracefulService {
    private static let interval: Duration = .seconds(600)

    package let name = "secret-rotation"
    private let vault: SecretVault
    private let loop: EventLoop
    private let logger: Logger

    package init(vault: SecretVault, loop: EventLoop, logger: Logger) {
        self.vault = vault
        self.loop = loop
        self.logger = logger
    }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await PeriodicService(name, every: Self.interval, on: loop, rotate).run(until: shutdown)
    }

    private func rotate() async throws {
        do {
            report(try await vault.rotate())
        } catch {
            logger.debug("secrets were not re-encrypted", [.error: .error(error)])
            throw error
        }
    }

    private func report(_ rotation: SecretVault.Rotation) {
        logger.info("secrets are sealed with the first key", [.count: .int(rotation.reencrypted)])
        if rotation.unreadable > 0 {
            logger.warning("there are secrets that no key opens", [.count: .int(rotation.unreadable)])
        }
    }
}
