import Configuration
import Contracts
import Observability
import PlatformInternals

/// What the proxy reads from its environment beside the common configuration.
package struct A2AProxySettings: Sendable {
    /// Which rows the feed gets for each call.
    package enum Activity: String, Sendable, CaseIterable {
        case full, summary, off
    }

    /// The idle timeout of a call, unless the target has its own.
    package var idleTimeout: Duration = Limits.idleTimeout
    package var callCeiling: Duration = Limits.agentCallCeiling
    package var activity = Activity.full
    package var connectTimeout: Duration = .seconds(5)
    package var connectionsPerHost = 512
    /// Bytes of responses held in memory at once, of all calls together.
    package var responseBudget = 256 << 20
    package var responseLimit = Limits.agentResponse
    /// Calls in flight in this process, direct ones and those of queue items, streams included.
    package var callLimit = 20_000
    /// Bytes of the messages of all those calls.
    package var callBytes = 512 << 20
    package var lease: Duration = .seconds(30)
    package var rules = QueueRules()
    /// Concurrent calls of queue items in this process.
    package var drainLimit = 10_000
    /// Bytes of queue items' bodies that are being delivered at once, in this process.
    package var drainBytes = 256 << 20

    package init() {}

    package init(_ reader: ConfigurationReader) {
        self.init()
        readTimeouts(reader)
        activity = reader.choice(
            "A2A_ACTIVITY", default: activity,
            "What the feed keeps of each call: full (with bodies), summary (without) or off.")
        connectionsPerHost = reader.int(
            "A2A_CONNECTIONS_PER_AGENT", default: connectionsPerHost, in: 1...100_000,
            "Connections to one agent, on each event loop.")
        responseBudget = reader.int(
            "A2A_ANSWER_BUDGET_BYTES", default: responseBudget, in: 1 << 20...1 << 40,
            "Bytes of agents' responses held in memory at once, of all calls together; one response may go beyond. "
                + "Each caller gets an eighth of it at most, and one response.")
        callLimit = reader.int(
            "A2A_MAX_CALLS", default: callLimit, in: 1...10_000_000,
            "Calls to agents under way at once, streams included, whether or not their callers still listen; "
                + "beyond it senders get 503.")
        callBytes = reader.int(
            "A2A_MAX_CALL_BYTES", default: callBytes, in: 1 << 20...1 << 40,
            "Bytes of the messages of all those calls; beyond it senders get 503.")
        drainLimit = reader.int(
            "A2A_DRAIN_CALLS", default: drainLimit, in: 1...1_000_000,
            "Calls of queued messages at once, in this process.")
        rules.attemptLimit = reader.int(
            "A2A_QUEUE_ATTEMPTS", default: Limits.deliveryAttempts, in: 1...100,
            "Counted failures after which a queued message fails.")
    }

    private mutating func readTimeouts(_ reader: ConfigurationReader) {
        // A bad value must not keep the service from starting: it is logged and the default used.
        idleTimeout = .seconds(
            reader.int(
                "A2A_IDLE_TIMEOUT_SECONDS", default: Int(idleTimeout.components.seconds), in: 1...7 * 86_400,
                isLenient: true, "Seconds without a sign of life from an agent that end a call to it."))
        func seconds(_ name: String, _ value: inout Duration, _ range: ClosedRange<Int>, _ text: String) {
            let initial = Int(value.components.seconds)
            value = .seconds(reader.int(name, default: initial, in: range, text))
        }
        seconds("A2A_CALL_CEILING_SECONDS", &callCeiling, 1...86_400, "The longest call from agent to agent.")
        seconds("A2A_CONNECT_TIMEOUT_SECONDS", &connectTimeout, 1...300, "Time for a connection to an agent.")
        seconds("A2A_LEASE_SECONDS", &lease, 3...3600, "How long an instance that died keeps a queued message.")
        seconds(
            "A2A_RETRY_SECONDS", &rules.retryDelay.initial, 1...3600,
            "First wait before a queued message is tried again on an agent that never heartbeats; it doubles.")
        seconds(
            "A2A_RETRY_MAX_SECONDS", &rules.retryDelay.maximum, 1...86_400,
            "The longest wait between two tries of a queued message.")
        seconds(
            "A2A_FAILURE_RETRY_SECONDS", &rules.failureDelay, 1...3600,
            "First wait before another try after a counted failure, whatever the agent reports; it doubles.")
        seconds(
            "A2A_REFUSAL_LIMIT_SECONDS", &rules.refusalLimit, 1...604_800,
            "A queued message that its agent refuses (429, 503, no connection) for this long fails.")
        seconds(
            "A2A_DELEGATION_RETRY_SECONDS", &rules.firstDispatchDelay, 1...3600,
            "Wait before the second first dispatch of a delegation.")
    }
}
