import Foundation
import Observability
import ServiceLifecycle
import Testing

/// Real signals in processes of their own.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ServiceGroupSignalTests {
    @Test func aSignalEndsTheProcessCleanly() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let service = ServiceFunction("service") { shutdown in
                kill(getpid(), SIGTERM)
                await shutdown.wait()
            }
            exit(await ServiceGroup(services: [service], logger: .disabled).run())
        }
        await #expect(processExitsWith: .exitCode(0)) {
            let service = ServiceFunction("service") { shutdown in
                kill(getpid(), SIGINT)
                await shutdown.wait()
            }
            exit(await ServiceGroup(services: [service], logger: .disabled).run())
        }
    }

    @Test func aSecondSignalExitsAtOnce() async {
        let result = await #expect(processExitsWith: .exitCode(143), observing: [\.standardErrorContent]) {
            let service = ServiceFunction("stubborn") { shutdown in
                kill(getpid(), SIGTERM)
                await shutdown.wait()
                kill(getpid(), SIGTERM)
                await ShutdownSignal().wait()
            }
            exit(await ServiceGroup(services: [service], logger: Logger(service: "test")).run())
        }
        let log = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(log.contains(#""msg":"shutting down","signal":"SIGTERM"}"#))
        #expect(log.contains(#""msg":"second signal, exiting at once""#))
    }

    @Test func aBrokenPipeIsNoReasonToDie() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let service = ServiceFunction("writer") { _ in
                var ends: [Int32] = [0, 0]
                _ = pipe(&ends)
                close(ends[0])
                exit(write(ends[1], "x", 1) == -1 && errno == EPIPE ? 7 : 8)
            }
            _ = await ServiceGroup(services: [service], logger: .disabled).run()
        }
    }
}
