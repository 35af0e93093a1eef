import AMQP
import Contracts
import Crypto
import EventOutbox
import Foundation
import JSONBytes

/// A dead-lettered message, as stored in a row of `dead_messages`.
package struct DeadLetter: Sendable, Hashable {
    /// The size limit of stored headers; beyond it the broker's own history is left out first.
    package static let headerBytes = 16 << 10

    package var messageID: String?
    package var type: String?
    /// The exchange that it was published to originally.
    package var exchange: String
    package var routingKey: String
    package var queue: String?
    package var reason: String?
    package var deaths: Int
    package var contentType: String?
    /// A JSON object.
    package var headers: [UInt8]
    package var body: [UInt8]
    /// The same for every redelivery of a letter, to any instance: the key of deduplication.
    package var fingerprint: [UInt8]

    package init(_ message: AMQPMessage) {
        let death = Self.lastDeath(message.headers)
        queue = (death["queue"]?.text ?? message.headers["x-first-death-queue"]?.text).map(Self.storable)
        reason = (death["reason"]?.text ?? message.headers["x-first-death-reason"]?.text).map(Self.storable)
        exchange = Self.storable(
            death["exchange"]?.text ?? message.headers["x-first-death-exchange"]?.text ?? message.exchange)
        routingKey = Self.storable(Self.firstText(death["routing-keys"]) ?? message.routingKey)
        deaths = Int(clamping: max(1, death["count"]?.integer ?? 1))
        messageID = message.messageID.map(Self.storable)
        type = message.type.map(Self.storable)
        contentType = message.contentType.map(Self.storable)
        body = message.body
        headers = Self.encode(message.headers)
        fingerprint = Self.fingerprint(message, death)
    }

    /// The newest entry of the broker's `x-death`, which is the first.
    private static func lastDeath(_ headers: [String: AMQPValue]) -> [String: AMQPValue] {
        guard case .array(let deaths)? = headers["x-death"], case .table(let last)? = deaths.first else { return [:] }
        return last
    }

    private static func firstText(_ value: AMQPValue?) -> String? {
        guard case .array(let elements)? = value else { return nil }
        return elements.first?.text
    }

    /// Postgres's text does not allow NUL.
    private static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) : text
    }

    /// A consumer may separate an event from its batch twice; its header has a key for deduplication. A message that
    /// the broker dead-lettered is identified by the time and the history of its death.
    private static func fingerprint(_ message: AMQPMessage, _ death: [String: AMQPValue]) -> [UInt8] {
        if let key = message.headers[EventHeader.death]?.text { return sha256("separated\n" + key) }
        var time = ""
        if case .timestamp(let seconds)? = death["time"] { time = String(seconds) }
        let parts = [
            death["queue"]?.text, death["reason"]?.text, death["count"]?.integer.map { String($0) }, time,
            message.messageID, message.type, message.headers[EventHeader.replay]?.text,
        ]
        return sha256(Array(parts.map { $0 ?? "" }.joined(separator: "\n").utf8) + [0] + sha256(message.body))
    }

    private static func encode(_ headers: [String: AMQPValue]) -> [UInt8] {
        let stored = headers.filter { $0.key != "x-publish-number" }
        let all = json(stored)
        if all.count <= headerBytes { return all }
        let own = json(stored.filter { !EventHeader.isHistory($0.key) })
        return own.count <= headerBytes ? own : Array("{}".utf8)
    }

    private static func json(_ headers: [String: AMQPValue]) -> [UInt8] {
        JSONValue(.table(headers)).encoded
    }
}

extension JSONValue {
    /// Human-readable; bytes that are not text in base64.
    init(_ value: AMQPValue) {
        switch value {
        case .bool(let truth): self = .bool(truth)
        case .int(let number): self = .int(Int(number))
        case .double(let number): self = number.isFinite ? .double(number) : .string("\(number)")
        case .string(let text): self = .string(text)
        case .bytes(let bytes): self = .string(value.text ?? Data(bytes).base64EncodedString())
        case .timestamp(let seconds): self = .int(Int(clamping: seconds))
        case .array(let elements): self = .array(elements.map(JSONValue.init))
        case .table(let members): self = .object(members.mapValues(JSONValue.init))
        case .null: self = .null
        }
    }
}

extension DeadLetter {
    /// The headers of a replayed letter: its own, without its dead-letter history.
    package static func replayHeaders(_ json: [UInt8], replay: String) -> [String: AMQPValue] {
        var headers: [String: AMQPValue] = [:]
        if case .object(let members)? = try? JSONValue(decoding: json) {
            for (name, value) in members where !EventHeader.isHistory(name) {
                switch value {
                case .string(let text): headers[name] = .string(text)
                case .int(let number): headers[name] = .int(Int64(number))
                case .bool(let truth): headers[name] = .bool(truth)
                default: break
                }
            }
        }
        headers[EventHeader.replay] = .string(replay)
        return headers
    }
}
