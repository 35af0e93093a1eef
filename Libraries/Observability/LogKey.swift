/// Every key a log line may carry, in one place, so that the same thing has the same name in all services.
package enum LogKey: Hashable, Sendable {
    case requestID, workspaceID, traceID, callerID, targetID, sourceID
    case queueID, delegationID, scheduleID, eventID, tokenID
    case error, reason, code, sqlState, statement
    case method, route, path, status, peer, host, port, url, durationMilliseconds, delayMilliseconds
    case attempt, attempts, count, dropped, bytes, limit, depth, name, key, value
    case exchange, queue, routingKey, channel, event, runtime, signal, instance, state, dependency, version
    /// A key that only one place needs; `snake_case`.
    case custom(StaticString)

    /// The key as it is written, in `snake_case`.
    package var name: String {
        switch self {
        case .requestID: "request_id"
        case .workspaceID: "workspace_id"
        case .traceID: "trace_id"
        case .callerID: "caller_id"
        case .targetID: "target_id"
        case .sourceID: "source_id"
        case .queueID: "queue_id"
        case .delegationID: "delegation_id"
        case .scheduleID: "schedule_id"
        case .eventID: "event_id"
        case .tokenID: "token_id"
        case .sqlState: "sql_state"
        case .durationMilliseconds: "duration_ms"
        case .delayMilliseconds: "delay_ms"
        case .routingKey: "routing_key"
        case .custom(let name): name.description
        case .error: "error"
        case .reason: "reason"
        case .code: "code"
        case .statement: "statement"
        case .method: "method"
        case .route: "route"
        case .path: "path"
        case .status: "status"
        case .peer: "peer"
        case .host: "host"
        case .port: "port"
        case .url: "url"
        case .attempt: "attempt"
        case .attempts: "attempts"
        case .count: "count"
        case .dropped: "dropped"
        case .bytes: "bytes"
        case .limit: "limit"
        case .depth: "depth"
        case .name: "name"
        case .key: "key"
        case .value: "value"
        case .exchange: "exchange"
        case .queue: "queue"
        case .channel: "channel"
        case .event: "event"
        case .runtime: "runtime"
        case .signal: "signal"
        case .instance: "instance"
        case .state: "state"
        case .dependency: "dependency"
        case .version: "version"
        }
    }

    package static func == (left: LogKey, right: LogKey) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
