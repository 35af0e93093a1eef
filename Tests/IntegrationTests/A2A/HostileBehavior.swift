import Foundation

/// One way in which an agent misbehaves, and what the contract makes of it.
struct HostileBehavior: Sendable {
    /// What the sender of a direct message gets.
    enum Call: Sendable {
        case responds(String)
        case error(Int, String, isConfirmed: Bool?)
        case queued(String, isUncertain: Bool)

        var status: Int {
            switch self {
            case .responds: 200
            case .error(let status, _, _): status
            case .queued: 202
            }
        }
    }

    /// What becomes of an item of the queue.
    struct Drained: Sendable {
        var status = "queued"
        var attempts: Int
        var isUncertain: Bool
        var error: String?
    }

    let name: String
    let call: Call
    /// Nil where the queue has nothing to add.
    var drained: Drained?
    /// `X-Timeout` of the direct message.
    var timeout: String?
    /// In which the direct message must have a response: the timeouts of the fleet, and some for a busy machine.
    var limit: Duration = .seconds(50)
    var accepts = true
    /// No client gets a connection.
    var isFull = false
    var readsBodies = true
    /// Whether something listens at its address.
    var isThere = true
    let script: HostileAgent.Script

    func makeAgent() throws -> HostileAgent {
        let agent = try HostileAgent(accepts: accepts, isFull: isFull, readsBodies: readsBodies, script)
        if !isThere { agent.stop() }
        return agent
    }

    static let silence = "no sign of life from the agent"
    static let deadline = "the agent did not answer in time"
    static let moved = "the agent's registered URL has moved: it must register the new one"
    static let unreadable = "failed to read agent response"
    private static let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

    private static func unreadableResponse(_ isConfirmed: Bool) -> Call {
        .error(502, unreadable, isConfirmed: isConfirmed)
    }
    private static let unreadableItem = Drained(attempts: 1, isUncertain: true, error: unreadable)

    private static func uncertain(_ reason: String) -> (Call, Drained) {
        (.queued(reason, isUncertain: true), Drained(attempts: 1, isUncertain: true, error: reason))
    }

    private static func certain(_ reason: String) -> (Call, Drained) {
        (.queued(reason, isUncertain: false), Drained(attempts: 0, isUncertain: false, error: reason))
    }

    static var all: [HostileBehavior] { silent + slow + broken + excessive + impolite }

    private static var silent: [HostileBehavior] {
        let (hangs, hung) = uncertain(silence)
        let (ends, ended) = uncertain("the agent closed the connection before answering")
        let (resets, wasReset) = uncertain("the connection to the agent was reset")
        let unreachable = "failed to reach workspace agent"
        return [
            HostileBehavior(name: "hangs", call: hangs, drained: hung) { peer, _ in peer.hang() },
            HostileBehavior(name: "closes without a response", call: ends, drained: ended) { peer, _ in peer.end() },
            HostileBehavior(name: "resets without a response", call: resets, drained: wasReset) { peer, _ in
                peer.reset()
            },
            HostileBehavior(name: "never takes the connection", call: hangs, drained: hung, accepts: false) { _, _ in },
            HostileBehavior(
                name: "accepts no connection", call: .error(502, unreachable, isConfirmed: nil),
                drained: Drained(attempts: 0, isUncertain: false, error: unreachable), accepts: false, isFull: true
            ) { _, _ in },
            HostileBehavior(
                name: "accepts no connection within the ceiling",
                call: .queued("the time for the call was over before the message was sent", isUncertain: false),
                timeout: "1", accepts: false, isFull: true
            ) { _, _ in },
            HostileBehavior(
                name: "hangs within its head", call: hangs, drained: hung
            ) { peer, _ in
                peer.send("HTTP/1.1 200 OK\r\nContent-")
                peer.hang()
            },
            HostileBehavior(name: "hangs within its response", call: unreadableResponse(true), drained: unreadableItem)
            {
                peer, _ in
                peer.send(json + "Content-Length: 10\r\n\r\n{")
                peer.hang()
            },
            HostileBehavior(
                name: "is not there", call: .error(502, unreachable, isConfirmed: nil),
                drained: Drained(attempts: 0, isUncertain: false, error: unreachable), isThere: false
            ) { _, _ in },
        ]
    }

    private static var slow: [HostileBehavior] {
        let bytes = [json + "Content-Length: 8\r\n\r\n", "n", "u", "l", "l"] + [String](repeating: " ", count: 4)
        let endless = [json + "Content-Length: 1000\r\n\r\n"] + [String](repeating: " ", count: 999)
        let endlessHead = [json] + (0..<100).map { "X-\($0): y\r\n" }
        return [
            // Each byte counts as liveness: longer than the idle timeout in all, and completed.
            HostileBehavior(name: "trickles", call: .responds("null    "), drained: done) { peer, _ in
                peer.trickle(bytes, every: .seconds(1))
            },
            HostileBehavior(name: "trickles past the ceiling", call: unreadableResponse(true), timeout: "3") {
                peer, _ in
                peer.trickle(endless, every: .seconds(1))
            },
            HostileBehavior(
                name: "trickles its head past the ceiling", call: .queued(deadline, isUncertain: true), timeout: "3"
            ) { peer, _ in peer.trickle(endlessHead, every: .seconds(1)) },
            HostileBehavior(name: "hangs past the ceiling", call: .queued(deadline, isUncertain: true), timeout: "3") {
                peer, _ in
                peer.hang()
            },
        ]
    }

    private static var broken: [HostileBehavior] {
        let chunked = json + "Transfer-Encoding: chunked\r\n\r\n"
        func says(_ name: String, _ text: String, isConfirmed: Bool) -> HostileBehavior {
            HostileBehavior(name: name, call: unreadableResponse(isConfirmed), drained: unreadableItem) { peer, _ in
                peer.send(text)
                peer.hang()
            }
        }
        return [
            HostileBehavior(name: "resets within its response", call: unreadableResponse(true), drained: unreadableItem)
            {
                peer, _ in
                peer.send(json + "Content-Length: 10\r\n\r\n{")
                // So that the head is read before the reset, which overtakes what waits; within the idle timeout.
                _ = peer.peerIsGone(within: .seconds(3))
                peer.reset()
            },
            HostileBehavior(name: "closes within its response", call: unreadableResponse(true), drained: unreadableItem)
            {
                peer, _ in
                peer.send(json + "Content-Length: 10\r\n\r\n{")
                peer.end()
            },
            HostileBehavior(name: "ends between chunks", call: unreadableResponse(true), drained: unreadableItem) {
                peer, _ in
                peer.send(chunked + "2\r\n{}\r\n")
                peer.end()
            },
            says("breaks its chunks", chunked + "2\r\n{}\r\nxyz\r\n", isConfirmed: true),
            says("announces a chunk beyond all numbers", chunked + "fffffffffffffffff\r\n", isConfirmed: true),
            says("speaks something else", "SSH-2.0-OpenSSH_9.2\r\n", isConfirmed: false),
            says("gives two lengths", json + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", isConfirmed: false),
            says(
                "switches protocols", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                isConfirmed: false),
        ]
    }

    private static var excessive: [HostileBehavior] {
        [
            HostileBehavior(name: "sends headers without end", call: unreadableResponse(false), drained: unreadableItem)
            {
                peer, _ in
                peer.send(json)
                while peer.send("X-Header: \(String(repeating: "y", count: 8000))\r\n") {}
            },
            HostileBehavior(
                name: "is about to respond for ever", call: unreadableResponse(false), drained: unreadableItem
            ) {
                peer, _ in
                while peer.send("HTTP/1.1 102 Processing\r\n\r\n") {}
            },
            HostileBehavior(name: "is slowly about to respond", call: unreadableResponse(false)) { peer, _ in
                peer.trickle(
                    [String](repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 100), every: .milliseconds(100))
            },
            HostileBehavior(name: "sends a byte too much", call: unreadableResponse(true), drained: unreadableItem) {
                peer, _ in
                let size = 10 * 1_048_576 + 1
                peer.send(json + "Content-Length: \(size)\r\n\r\n")
                peer.send([UInt8](repeating: 0x20, count: size))
            },
            HostileBehavior(name: "answers twice", call: .responds(HostileConnection.response), drained: done) {
                peer, _ in
                peer.respond()
                peer.respond(#"{"jsonrpc":"2.0","id":"1","result":"the second"}"#)
            },
        ]
    }

    private static let done = Drained(status: "completed", attempts: 0, isUncertain: false)

    private static var impolite: [HostileBehavior] {
        let (unavailable, wasUnavailable) = certain("the agent answered 503")
        let (tooMany, wereTooMany) = certain("the agent answered 429")
        return [
            HostileBehavior(
                name: "responds before it reads", call: .responds(HostileConnection.response), drained: done,
                readsBodies: false
            ) { peer, _ in
                peer.respond()
                peer.stopReading()
            },
            HostileBehavior(name: "is unavailable", call: unavailable, drained: wasUnavailable) { peer, _ in
                peer.respond("{}", status: "503 Unavailable", headers: "Retry-After: 60\r\n")
            },
            HostileBehavior(name: "has too many requests", call: tooMany, drained: wereTooMany) { peer, _ in
                peer.respond("{}", status: "429 Slow Down", headers: "Retry-After: 60\r\n")
            },
            HostileBehavior(
                name: "redirects", call: .error(307, moved, isConfirmed: nil),
                drained: Drained(status: "failed", attempts: 1, isUncertain: false, error: moved)
            ) { peer, _ in
                peer.respond("", status: "307 Temporary Redirect", headers: "Location: http://169.254.169.254/\r\n")
            },
            HostileBehavior(
                name: "fails in its own words", call: .error(500, "out of cheese", isConfirmed: nil),
                drained: Drained(attempts: 1, isUncertain: false, error: "out of cheese")
            ) { peer, _ in peer.respond(#"{"error":{"code":1,"message":"out of cheese"}}"#, status: "500 Oops") },
        ]
    }
}
