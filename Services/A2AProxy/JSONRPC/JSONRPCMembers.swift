import JSONBytes

/// The members of a call that are read; each object is scanned once, since a body may be large and dense.
///
/// Parameters are validated only as far as needed to recognise a message or a task; the rest is left to the agent.
struct JSONRPCMembers {
    private let request: JSONObject?
    let params: JSONObject?
    let message: JSONObject?

    init(_ body: JSONSlice) {
        request = body.object
        params = request?["params"]?.object
        message = params?["message"]?.object
    }

    var method: String? { request?["method"]?.string }

    /// Nil when it is absent, or of a type that JSON-RPC does not allow.
    var id: JSONSlice? {
        guard let id = request?["id"], [.string, .number, .null].contains(id.kind) else { return nil }
        return id
    }

    /// - Parameter namesExtensions: whether methods that the protocol does not have may be the agent's.
    func refusal(of body: JSONSlice, namesExtensions: Bool) -> JSONRPCError? {
        if body.kind == .array { return JSONRPCError(.invalidRequest, "batches are not supported") }
        guard let request else { return JSONRPCError(.invalidRequest, "request must be a JSON object") }
        let version = request["jsonrpc"]
        if let version, version.string != "2.0" { return Self.wrongVersion }
        if request["id"] != nil, id == nil {
            return JSONRPCError(.invalidRequest, "id must be a string, a number or null", field: "id")
        }
        guard let name = method, !name.isEmpty else {
            return JSONRPCError(.invalidRequest, "method must be a string", field: "method")
        }
        let method = JSONRPCMethod(name)
        let found =
            method.isKnown || namesExtensions
            ? parameterRefusal(method) : JSONRPCError(.methodNotFound, "method not found")
        // A body that lacks only `jsonrpc` gets an envelope, as everywhere else; one with other faults is no JSON-RPC
        // request.
        return found == nil || version != nil ? found : Self.wrongVersion
    }

    private static let wrongVersion = JSONRPCError(.invalidRequest, #"jsonrpc must be "2.0""#, field: "jsonrpc")

    // MARK: - Parameters

    private func parameterRefusal(_ method: JSONRPCMethod) -> JSONRPCError? {
        switch method.call {
        case .send, .stream:
            guard params != nil else { return .parameter("params", "must be an object") }
            return messageRefusal(method.version)
        case .get, .cancel, .subscribe:
            guard let params else { return .parameter("params", "must be an object") }
            return params["id"]?.string?.isEmpty == false ? nil : .parameter("params.id", "must be a task's id")
        case .card, .other:
            // An extension's method may take a list.
            let kinds: [JSONSlice.Kind] = [.object, .null, method.isKnown ? .object : .array]
            let kind = request?["params"]?.kind ?? .null
            return kinds.contains(kind) ? nil : .parameter("params", "must be an object")
        }
    }

    private func messageRefusal(_ version: JSONRPCRequest.Version) -> JSONRPCError? {
        let path = "params.message"
        guard let message else { return .parameter(path, "must be an object") }
        for name: StaticString in ["messageId", "contextId", "taskId"] {
            guard let value = message[name], value.kind != .string, !value.isNull else { continue }
            return .parameter("\(path).\(name)", "must be a string")
        }
        guard Self.isRole(message["role"], version) else { return .parameter("\(path).role", "must be a role") }
        guard let parts = message["parts"]?.elements, !parts.isEmpty else {
            return .parameter("\(path).parts", "must be a list that is not empty")
        }
        guard let bad = parts.firstIndex(where: { !Self.isPart($0, version) }) else { return nil }
        return .parameter("\(path).parts[\(bad)]", "must be a part")
    }

    private static func isRole(_ role: JSONSlice?, _ version: JSONRPCRequest.Version) -> Bool {
        switch version {
        case .v03: ["user", "agent"].contains(role?.string)
        // Protobuf's JSON has enumerations by name or by number.
        case .v1: ["ROLE_USER", "ROLE_AGENT"].contains(role?.string) || [1, 2].contains(role?.int)
        }
    }

    private static func isPart(_ part: JSONSlice, _ version: JSONRPCRequest.Version) -> Bool {
        // Without a table of members: there may be very many parts.
        func has(_ name: StaticString, _ kind: JSONSlice.Kind) -> Bool { part.find(name)?.kind == kind }
        if version == .v1 {
            return has("text", .string) || has("raw", .string) || has("url", .string) || part.find("data") != nil
        }
        // `type` is the name that `kind` had before version 0.3; some leave it out.
        guard let kind = part.find("kind") ?? part.find("type") else {
            return has("text", .string) || has("file", .object) || has("data", .object)
        }
        switch kind.string {
        case "text": return has("text", .string)
        case "file": return has("file", .object)
        case "data": return has("data", .object)
        default: return false
        }
    }
}
