import A2AProxy
import AMQP
import Contracts
import EventOutbox
import Foundation
import Lifecycle
import Observability
import PlatformInternals
import Postgres
import Testing
import UVHTTPClient

/// What a call that found no agent means, and what it leads to.
@Suite struct HierarchyTests {
    private func label(_ kind: HTTPClientError.Kind, written: Bool = false) -> String {
        let outcome = CallOutcome(HTTPClientError(kind, requestBytesWritten: written))
        return switch outcome {
        case .busy(let reason, _): "busy \(reason)"
        default: "\(outcome)"
        }
    }

    @Test(arguments: [HTTPClientError.Kind.refused, .unknownHost])
    func nothingListens(_ kind: HTTPClientError.Kind) {
        #expect(label(kind) == "absent")
        #expect(label(kind, written: true) == "busy connectionReset")
    }

    @Test(arguments: [HTTPClientError.Kind.connectTimeout, .unreachable, .tls, .invalidRequest])
    func noConnectionIsNoAbsence(_ kind: HTTPClientError.Kind) {
        #expect(label(kind) == "unreachable")
    }

    /// The shortage is the proxy's: it is not counted against the agent, and the message waits.
    @Test func wantOfAnOwnConnectionIsBusy() {
        #expect(label(.overloaded) == "busy noConnection")
        #expect(!BusyReason.noConnection.isUncertain)
    }

    /// The first connection was found dead when the message was out already: another try is perhaps a repetition.
    @Test(arguments: [HTTPClientError.Kind.overloaded, .unsafeAddress])
    func whatWasSentOnceMayHaveArrived(_ kind: HTTPClientError.Kind) {
        #expect(label(kind, written: true) == "busy connectionReset")
    }

    @Test func aCeilingThatLeavesNoTimeSaysNothingAboutTheAgent() {
        #expect(label(.totalTimeout) == "busy deadlineBeforeSending")
        #expect(!BusyReason.deadlineBeforeSending.isUncertain)
        #expect(label(.totalTimeout, written: true) == "busy deadline")
    }

    private static let place = Statement(
        "test_place",
        """
        INSERT INTO workspaces (id, name, status, url, url_provisioned, managed)
        VALUES ($1, 'place', 'online', 'http://127.0.0.1:1', true, true)
        """)

    @Test func onlyAnAbsentAgentIsRestarted() async throws {
        try await QueueFixture.with { fixture in
            let id = UUID()
            _ = try await fixture.postgres.query(Self.place, [id])
            let publisher = try AMQPPublisher(
                urls: "amqp://127.0.0.1:1", topology: AMQPTopology(), logger: .disabled, metrics: MetricsRegistry())
            let waker = WorkspaceWaker(
                lifecycle: LifecycleStore(postgres: fixture.postgres, source: "switchyard/a2a-proxy"),
                relay: EventRelay(
                    postgres: fixture.postgres, publisher: publisher, logger: .disabled, metrics: MetricsRegistry()),
                targets: TargetStore(postgres: fixture.postgres))
            func target(isProvisioned: Bool) -> Target {
                Target(
                    position: TreePosition(id: id, ancestors: []), status: .online, url: "http://127.0.0.1:1",
                    isProvisioned: isProvisioned)
            }
            let jobs = "SELECT count(*) FROM lifecycle_jobs WHERE kind = 'restart'"
            for outcome in [CallOutcome.unreachable, .busy(.deadlineBeforeSending), .busy(.idleTimeout)] {
                #expect(await !waker.restart(target(isProvisioned: true), after: outcome))
            }
            #expect(await !waker.restart(target(isProvisioned: false), after: .absent))
            #expect(try await fixture.sql(jobs) == "0")
            #expect(await waker.restart(target(isProvisioned: true), after: .absent))
            // Other callers that find it dead get the same error.
            #expect(await waker.restart(target(isProvisioned: true), after: .absent))
            #expect(try await fixture.sql(jobs) == "1")
        }
    }
}
