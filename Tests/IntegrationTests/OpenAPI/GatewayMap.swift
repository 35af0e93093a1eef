import Foundation

/// Which service gets which path: the map of `compose/routes.conf`, evaluated as nginx does.
struct GatewayMap {
    private let entries: [(pattern: String, service: String)]
    private let fallback: String

    static func read() throws -> GatewayMap {
        try GatewayMap(String(contentsOfFile: Repository.path("compose/routes.conf"), encoding: .utf8))
    }

    private init(_ text: String) throws {
        let map = /map \$uri \$service \{(?<body>[\s\S]*?)\n\}/
        guard let body = text.firstMatch(of: map)?.body, let last = body.firstMatch(of: /\n\s*default\s+(\S+);/) else {
            throw OpenAPIError("routes.conf has no map of services")
        }
        fallback = String(last.1)
        entries = body.matches(of: /\n\s*"~(?<pattern>[^"]+)"\s+(?<service>\S+);/).map {
            (String($0.pattern), String($0.service))
        }
    }

    /// The first expression that matches wins.
    func service(of path: String) throws -> String {
        for (pattern, service) in entries where try Regex(pattern).firstMatch(in: path) != nil { return service }
        return fallback
    }
}
