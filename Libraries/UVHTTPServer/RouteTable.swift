import HTTPCore

/// A route as the server runs it.
final class CompiledRoute: Sendable {
    let template: String
    let parameterNames: [String]
    let options: RouteOptions
    let maxBodyBytes: Int
    /// The route's handler inside the middleware.
    let handler: Handler
    let metrics: RouteMetrics

    init(
        template: String, parameterNames: [String], options: RouteOptions, maxBodyBytes: Int,
        handler: @escaping Handler,
        metrics: RouteMetrics
    ) {
        self.template = template
        self.parameterNames = parameterNames
        self.options = options
        self.maxBodyBytes = maxBodyBytes
        self.handler = handler
        self.metrics = metrics
    }
}

/// The routes as a tree of path segments, compared byte by byte. Immutable once built.
struct RouteTable: Sendable {
    enum Match {
        case route(CompiledRoute, PathParameters)
        /// The path exists, not with this method. The value of `Allow`.
        case otherMethods(allow: String)
        case none
    }

    private struct Node {
        var literals: [(segment: [UInt8], node: Int)] = []
        var parameter: Int?
        var routes: [(method: HTTPMethod, route: CompiledRoute)] = []
    }

    private var nodes = [Node()]

    init(_ routes: [(method: HTTPMethod, route: CompiledRoute)]) {
        for (method, route) in routes {
            var node = 0
            for segment in route.template.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
                node = child(of: node, Array(segment))
            }
            nodes[node].routes.append((method, route))
            if route.options.takesTrailingSlash { nodes[child(of: node, [])].routes.append((method, route)) }
        }
    }

    static func parameterNames(in template: String) -> [String] {
        template.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }.map {
            String($0.dropFirst().dropLast())
        }
    }

    private mutating func child(of node: Int, _ segment: [UInt8]) -> Int {
        if segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}") {
            if let existing = nodes[node].parameter { return existing }
            nodes.append(Node())
            nodes[node].parameter = nodes.count - 1
        } else {
            if let existing = nodes[node].literals.first(where: { $0.segment == segment }) { return existing.node }
            nodes.append(Node())
            nodes[node].literals.append((segment, nodes.count - 1))
        }
        return nodes.count - 1
    }

    // MARK: - Looking up

    /// Finds the route of a target's path. The query, if any, is not looked at.
    func match(_ method: HTTPMethod, _ target: String) -> Match {
        var target = target
        return target.withUTF8 { bytes in
            let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
            guard bytes.first == UInt8(ascii: "/") else { return .none }
            var search = Search(method: method, path: UnsafeBufferPointer(rebasing: bytes[..<end]))
            find(&search, node: 0, from: 1)
            if let route = search.route {
                return .route(route, PathParameters(names: route.parameterNames, values: search.values))
            }
            return search.allowed.isEmpty ? .none : .otherMethods(allow: Self.allow(search.allowed))
        }
    }

    private struct Search {
        let method: HTTPMethod
        let path: UnsafeBufferPointer<UInt8>
        var captures: [Range<Int>] = []
        var allowed: [HTTPMethod] = []
        var route: CompiledRoute?

        var values: [String] {
            captures.map { range in
                let bytes = UnsafeBufferPointer(rebasing: path[range])
                return bytes.contains(UInt8(ascii: "%"))
                    ? RequestTarget.decode(bytes) : String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// Goes down the tree; a literal that leads nowhere is given up for the parameter beside it.
    private func find(_ search: inout Search, node: Int, from start: Int) {
        var end = start
        while end < search.path.count, search.path[end] != UInt8(ascii: "/") { end += 1 }
        let segment = UnsafeBufferPointer(rebasing: search.path[start..<end])
        for literal in nodes[node].literals where literal.segment.count == segment.count {
            if literal.segment.elementsEqual(segment) { descend(&search, node: literal.node, end: end) }
        }
        if search.route == nil, let parameter = nodes[node].parameter, !segment.isEmpty {
            search.captures.append(start..<end)
            descend(&search, node: parameter, end: end)
            if search.route == nil { search.captures.removeLast() }
        }
    }

    private func descend(_ search: inout Search, node: Int, end: Int) {
        if end < search.path.count { return find(&search, node: node, from: end + 1) }
        let wanted = search.method
        search.route =
            nodes[node].routes.first { $0.method == wanted }?.route
            ?? (wanted == .head ? nodes[node].routes.first { $0.method == .get }?.route : nil)
        if search.route == nil { search.allowed.append(contentsOf: nodes[node].routes.map(\.method)) }
    }

    private static func allow(_ methods: [HTTPMethod]) -> String {
        var names = Set(methods.map(\.rawValue))
        if names.contains("GET") { names.insert("HEAD") }
        names.insert("OPTIONS")
        return names.sorted().joined(separator: ", ")
    }
}
