import Contracts
import Foundation
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// A filter of the items of the fleet's queue.
package struct FleetQueueFilter: Sendable, Hashable {
    package enum Sender: Sendable, Hashable {
        case workspace(UUID)
        /// A person or an operator's tool.
        case console
    }

    package var ids: [UUID]?
    /// Nil for all.
    package var states: [QueueState]?
    package var target: UUID?
    package var caller: Sender?
    package var method: String?
    /// The minimum age in seconds.
    package var olderThan: Int?
    package var minAttempts: Int?
    /// A substring of a name or an error, or the prefix of an id.
    package var text: String?

    package init() {}

    /// Whether it matches every item.
    package var isEmpty: Bool { self == FleetQueueFilter() }
}

// MARK: - In the audit log

extension FleetQueueFilter {
    func audit(to writer: inout JSONWriter) {
        if let ids { writer.auditMember(ids: ids) }
        if let states { writer.member("state", strings: states.map(\.rawValue)) }
        writer.member("target", ifPresent: target?.lowercased)
        switch caller {
        case .workspace(let id): writer.member("caller", id.lowercased)
        case .console: writer.member("caller", "console")
        case nil: break
        }
        writer.member("method", ifPresent: method)
        writer.member("older_than", ifPresent: olderThan)
        writer.member("min_attempts", ifPresent: minAttempts)
        writer.member("q", ifPresent: text)
    }
}

// MARK: - Reading it

extension FleetQueueFilter {
    private static let ages = 0...10_000_000_000
    private static let counts = 0...1_000_000

    /// The query of `GET /admin/queue`.
    ///
    /// - Throws: `APIError` 400 naming the parameter: ignoring one would return items that were not requested.
    package init(_ request: Request) throws(APIError) {
        states = try request.words("state", of: QueueState.self)
        target = try ChangeFilter.id("target", request.present("target"))
        caller = try Self.sender(request.present("caller"))
        method = request.present("method")
        olderThan = try Self.number("older_than", request.present("older_than"), Self.ages)
        minAttempts = try Self.number("min_attempts", request.present("min_attempts"), Self.counts)
        text = request.present("q")
        try check()
    }

    private static let members = ["ids", "state", "target", "caller", "method", "older_than", "min_attempts", "q"]

    /// The `filter` of a change. It must have at least one condition.
    ///
    /// - Throws: `APIError` 400 naming the field.
    package init(changing object: JSONObject) throws(APIError) {
        try ChangeFilter.check(object, has: Self.members)
        let members = try Self.read(object)
        ids = try Self.ids(members.ids)
        states = try Self.states(members.states)
        target = try ChangeFilter.id("target", members.target)
        caller = try Self.sender(members.caller)
        method = members.method
        // 0 matches every item.
        olderThan = try Self.number("older_than", members.olderThan, Self.ages).flatMap { $0 == 0 ? nil : $0 }
        minAttempts = try Self.number("min_attempts", members.minAttempts, Self.counts).flatMap { $0 == 0 ? nil : $0 }
        text = members.text
        try check()
        if isEmpty { throw .invalidBody(field: "filter", reason: "must have at least one member") }
    }

    /// The members with their types.
    private struct Members {
        var ids: [JSONSlice]?
        var states: [JSONSlice]?
        var target: String?
        var caller: String?
        var method: String?
        var olderThan: Int?
        var minAttempts: Int?
        var text: String?
    }

    private static func read(_ object: JSONObject) throws(APIError) -> Members {
        do {
            return Members(
                ids: try object.array("ids"), states: try object.array("state"), target: try object.string("target"),
                caller: try object.string("caller"), method: try object.string("method"),
                olderThan: try object.int("older_than"), minAttempts: try object.int("min_attempts"),
                text: try object.string("q"))
        } catch {
            throw .invalidBody(error)
        }
    }

    private func check() throws(APIError) {
        try ChangeFilter.check("method", method, upTo: Limits.method)
        try ChangeFilter.check("q", text, upTo: Limits.searchText)
    }

    private static func sender(_ text: String?) throws(APIError) -> Sender? {
        guard let text else { return nil }
        if text == "console" { return .console }
        guard let id = UUID(canonical: text) else {
            throw .invalidBody(field: "caller", reason: "must be a UUID or console")
        }
        return .workspace(id)
    }

    private static func number(_ name: String, _ text: String?, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text) else {
            throw .invalidBody(field: name, reason: "must be a number from 0 to \(range.upperBound)")
        }
        return try Self.number(name, number, range)
    }

    private static func number(_ name: String, _ number: Int?, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let number else { return nil }
        guard range.contains(number) else {
            throw .invalidBody(field: name, reason: "must be a number from 0 to \(range.upperBound)")
        }
        return number
    }

    private static func ids(_ elements: [JSONSlice]?) throws(APIError) -> [UUID]? {
        guard let elements else { return nil }
        guard (1...Limits.queueChange).contains(elements.count) else {
            throw .invalidBody(field: "ids", reason: "must have 1 to \(Limits.queueChange) elements")
        }
        var ids: [UUID] = []
        for element in elements {
            guard let id = element.string.flatMap({ UUID(canonical: $0) }) else {
                throw .invalidBody(field: "ids", reason: "must be UUIDs")
            }
            ids.append(id)
        }
        return ids
    }

    private static func states(_ elements: [JSONSlice]?) throws(APIError) -> [QueueState]? {
        guard let elements else { return nil }
        guard !elements.isEmpty else { throw .invalidBody(field: "state", reason: "must not be empty") }
        return try Request.words("state", elements.map { $0.string ?? "" })
    }
}
