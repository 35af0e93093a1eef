import Foundation
import HTTPCore
import Testing
import TestSupport

extension PlatformTests {
    /// `console_walk.py` is the user; its commands are executed here.
    @Suite("The console in a browser", .serialized)
    struct ConsoleTests {
        /// The limit between two of its commands: a browser on a slow machine.
        private static let limit: Duration = .seconds(900)

        @Test("Every screen does what a user needs of it")
        func walk() async throws {
            // A message fails after 15 s, not 45.
            let platform = try await Platform.start(
                environment: [
                    "CHAT_FILES_DIR": try TemporaryFolder.make("console-files"), "A2A_FAILURE_RETRY_SECONDS": "1",
                ])
            let steps = try TemporaryFolder.make("console-steps")
            let walk = try await PythonProgram.start(
                "console_walk.py", [platform.api.baseURL, Platform.adminToken],
                environment: [
                    "CONSOLE_WALK_STEPS": steps, "HOME": try TemporaryFolder.make("console-home"), "LANG": "C.UTF-8",
                ])
            func wanted() -> [String] {
                walk.output.split(separator: "\n").filter { $0.hasPrefix("STEP ") }.map { String($0.dropFirst(5)) }
            }
            var done = 0
            while walk.isRunning {
                try await eventually(within: Self.limit, "the walk to go on", detail: { walk.outputTail }) {
                    !walk.isRunning || wanted().count > done
                }
                for step in wanted().dropFirst(done) {
                    try await act(step, platform)
                    try Data().write(to: URL(fileURLWithPath: "\(steps)/\(step)"))
                    done += 1
                }
            }
            #expect(await walk.exited() == 0, "\(walk.outputTail)")
            await platform.stop()
        }

        private func act(_ step: String, _ platform: Platform) async throws {
            switch step {
            case "restart-notifier":
                for notifier in platform.instances("notifier") { try await platform.restart(notifier) }
                try await platform.waitUntilReady()
            case "platform-down": platform.postgres.pause()
            case "platform-up": platform.postgres.resume()
            case "dead-letter":
                // No event: the proxy that takes it from the queue rejects it.
                try await platform.rabbit.control(
                    "eval",
                    #"rabbit_basic:publish(rabbit_misc:r(<<"/">>, exchange, <<"switchyard.events">>), <<"a2a.queued">>, "#
                        + #"[], <<"no event">>)."#)
            default: Issue.record("no such step: \(step)")
            }
        }
    }
}
