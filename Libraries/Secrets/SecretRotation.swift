import EventLoop
import Observability
import ServiceLifecycle

/// Seals secrets anew while there is more than one key. At intervals: an instance that has not got the new key yet goes on
/// sealing with the old one.
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
        let work = Task(executorPreference: loop) { await runForever() }
        await withTaskCancellationHandler {
            await shutdown.wait()
        } onCancel: {
            work.cancel()
        }
        work.cancel()
        await work.value
    }

    private func runForever() async {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        while !Task.isCancelled {
            var wait = Self.interval
            do {
                tell(try await vault.rotate())
                backoff.reset()
            } catch {
                wait = backoff.next()
                logger.debug("secrets not sealed anew", [.error: .error(error)])
            }
            do { try await loop.sleep(for: wait) } catch { return }
        }
    }

    private func tell(_ rotation: SecretVault.Rotation) {
        logger.info("secrets are sealed with the first key", [.count: .int(rotation.sealedAnew)])
        if rotation.unreadable > 0 {
            logger.warning("there are secrets that no key opens", [.count: .int(rotation.unreadable)])
        }
    }
}
