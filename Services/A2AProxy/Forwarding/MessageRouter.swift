import Authentication
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPClient
import UVHTTPServer

/// The route of a message: its target workspace, and the one whose address is called.
package struct MessageRoute: Sendable {
    package let target: Target
    /// The target itself, or the end of its `forwarded_to` chain.
    package let endpoint: Target
    package let url: ClientURL
}

/// Why a message cannot be routed now.
package enum RouteRefusal: Error, Sendable {
    case error(APIError)
    /// The target is hibernated and must be woken.
    case hibernated(Target)
}

/// Routes messages, from the cache where it can. Refusals are based on fresh data only.
package struct MessageRouter: Sendable {
    private let targets: TargetCache

    package init(targets: TargetCache) {
        self.targets = targets
    }

    /// The checks of the contract in their order: hierarchy, budget, address.
    ///
    /// - Parameter caller: nil for the console, and for messages of the platform itself.
    /// - Throws: `RouteRefusal`, or an error of the database.
    package func route(from caller: UUID?, to id: UUID) async throws -> MessageRoute {
        let cached = try await facts(caller, id, targets.find)
        do {
            return try Self.authorize(caller, id, cached)
        } catch {
            return try Self.authorize(caller, id, try await facts(caller, id, targets.verified))
        }
    }

    /// The route from the cache alone, without suspending: the common case.
    ///
    /// - Returns: nil when something is not cached, or a check fails.
    package func cachedRoute(from caller: UUID?, to id: UUID) -> MessageRoute? {
        let now = ContinuousClock.now
        guard let target = targets.known(id, at: now), target.forwardedTo == nil else { return nil }
        var facts = Input(target: target, endpoint: target)
        if let caller, caller != id {
            facts.caller = targets.known(caller, at: now)
            if facts.caller == nil { return nil }
        }
        return try? Self.authorize(caller, id, facts)
    }

    /// As `route`, from the database: for a call whose cached address refused the connection.
    package func verifiedRoute(from caller: UUID?, to id: UUID) async throws -> MessageRoute {
        try Self.authorize(caller, id, try await facts(caller, id, targets.reloaded))
    }

    /// A workspace's status, from the database.
    package func status(of id: UUID) async throws -> WorkspaceStatus? {
        try await targets.verified(id)?.status
    }

    /// The input of the checks.
    package struct Input: Sendable {
        package var caller: Target?
        package var target: Target?
        package var endpoint: Target?

        package init(caller: Target? = nil, target: Target? = nil, endpoint: Target? = nil) {
            self.caller = caller
            self.target = target
            self.endpoint = endpoint
        }
    }

    private func facts(
        _ caller: UUID?, _ id: UUID, _ find: (UUID) async throws -> Target?
    ) async throws -> Input {
        var facts = Input()
        facts.target = try await find(id)
        if let caller, caller != id { facts.caller = try await find(caller) }
        facts.endpoint = facts.target
        var hops = 0
        while let next = facts.endpoint?.forwardedTo, hops < Limits.forwardingHops {
            guard let forwarded = try await find(next) else { break }
            facts.endpoint = forwarded
            hops += 1
        }
        return facts
    }

    /// The rule, free of I/O.
    package static func authorize(_ caller: UUID?, _ id: UUID, _ facts: Input) throws(RouteRefusal) -> MessageRoute {
        if let caller, caller != id {
            guard let from = facts.caller, let to = facts.target, from.position.canCommunicate(with: to.position)
            else { throw .error(APIError(.forbidden, ErrorMessage.hierarchyDenied)) }
        }
        guard let target = facts.target, target.status != .removed else {
            throw .error(APIError(.notFound, ErrorMessage.workspaceNotFound))
        }
        if target.isOverBudget { throw .error(APIError(.paymentRequired, ErrorMessage.budgetExceeded)) }
        guard let endpoint = facts.endpoint, endpoint.status != .removed else { throw .error(noURL(target)) }
        switch endpoint.status {
        case .hibernated, .hibernating: throw .hibernated(endpoint)
        case .paused: throw .error(noURL(endpoint))
        default: break
        }
        guard endpoint.hasURL else { throw .error(noURL(endpoint)) }
        guard let url = endpoint.url else { throw .error(unsafe) }
        return MessageRoute(target: target, endpoint: endpoint, url: url)
    }

    private static func noURL(_ target: Target) -> APIError {
        APIError(
            .serviceUnavailable, ErrorMessage.workspaceHasNoURL,
            members: [(name: "status", value: .string(target.status.rawValue))])
    }

    static let unsafe = APIError(.badGateway, ErrorMessage.workspaceURLNotPublic)
}
