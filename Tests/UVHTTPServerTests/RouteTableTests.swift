import HTTPCore
import Observability
import Testing

@testable import UVHTTPServer

@Suite struct RouteTableTests {
    private static let templates: [(HTTPMethod, String)] = [
        (.get, "/"), (.get, "/workspaces"), (.post, "/workspaces"), (.get, "/workspaces/{id}"),
        (.delete, "/workspaces/{id}"), (.get, "/workspaces/pending"), (.post, "/workspaces/{id}/a2a"),
        (.get, "/workspaces/{id}/schedules/{schedule}"), (.post, "/workspaces/pending/a2a"),
    ]

    private let table: RouteTable = {
        let metrics = ServerMetrics(MetricsRegistry(includesProcess: false))
        return RouteTable(
            RouteTableTests.templates.map { method, template in
                let route = CompiledRoute(
                    template: template, parameterNames: RouteTable.parameterNames(in: template),
                    options: RouteOptions(), maxBodyBytes: 0, handler: { _ in Response(.ok) },
                    metrics: metrics.route(method, template))
                return (method, route)
            })
    }()

    private func describe(_ method: HTTPMethod, _ target: String) -> String {
        switch table.match(method, target) {
        case .route(let route, let parameters):
            ([route.template] + route.parameterNames.map { "\($0)=\(parameters[$0] ?? "nil")" }).joined(separator: " ")
        case .otherMethods(let allow): allow
        case .none: "none"
        }
    }

    @Test(arguments: [
        (HTTPMethod.get, "/", "/"), (.get, "/?a=b", "/"), (.get, "/workspaces", "/workspaces"),
        (.head, "/workspaces", "/workspaces"), (.get, "/workspaces/7", "/workspaces/{id} id=7"),
        (.get, "/workspaces/7?id=8", "/workspaces/{id} id=7"), (.get, "/workspaces/pending", "/workspaces/pending"),
        (.delete, "/workspaces/pending", "/workspaces/{id} id=pending"),
        (.get, "/workspaces/pending/schedules/3", "/workspaces/{id}/schedules/{schedule} id=pending schedule=3"),
        (.post, "/workspaces/pending/a2a", "/workspaces/pending/a2a"),
        (.get, "/workspaces/a%2Fb%20c", "/workspaces/{id} id=a/b c"),
        (.get, "/workspaces/100%", "/workspaces/{id} id=100%"),
        (.put, "/workspaces", "GET, HEAD, OPTIONS, POST"), (.get, "/workspaces/7/a2a", "OPTIONS, POST"),
        (.get, "/workspaces/", "none"), (.get, "//workspaces", "none"), (.get, "/workspaces/7/", "none"),
        (.get, "/workspacesx", "none"), (.get, "/Workspaces", "none"),
    ])
    func finds(method: HTTPMethod, target: String, found: String) {
        #expect(describe(method, target) == found)
    }

    @Test func aTrailingSlashIsTakenWhereTheRouteSaysSo() {
        let metrics = ServerMetrics(MetricsRegistry(includesProcess: false))
        let routes: [(HTTPMethod, String, Bool)] = [
            (.post, "/agents/{id}", true), (.get, "/agents/{id}/card", false), (.get, "/agents/{id}", false),
        ]
        let table = RouteTable(
            routes.map { method, template, takesSlash in
                let route = CompiledRoute(
                    template: template, parameterNames: RouteTable.parameterNames(in: template),
                    options: RouteOptions(takesTrailingSlash: takesSlash), maxBodyBytes: 0,
                    handler: { _ in Response(.ok) }, metrics: metrics.route(method, template))
                return (method, route)
            })
        for target in ["/agents/7", "/agents/7/", "/agents/7/?x=y"] {
            guard case .route(let route, let parameters) = table.match(.post, target) else {
                Issue.record("\(target) is not found")
                continue
            }
            #expect(route.template == "/agents/{id}")
            #expect(parameters["id"] == "7")
        }
        guard case .otherMethods(let allow) = table.match(.get, "/agents/7/") else {
            Issue.record("GET is found with a slash")
            return
        }
        #expect(allow == "OPTIONS, POST")
        for target in ["/agents//", "/agents/7//", "/agents/7/card/"] {
            guard case .none = table.match(.post, target) else {
                Issue.record("\(target) is found")
                continue
            }
        }
    }

    @Test func queryParametersAreDecoded() {
        let items = RequestTarget.queryItems(of: "/a?x=1&y=a+b%21&z&x=2&=3&bad=%zz")
        #expect(items.map(\.name) == ["x", "y", "z", "x", "", "bad"])
        #expect(items.map(\.value) == ["1", "a b!", "", "2", "3", "%zz"])
    }
}

@Suite struct CORSTests {
    @Test func onlyListedOriginsAreTold() async throws {
        try await withServer(configure: { $0.corsOrigins = ["https://console.example"] }) { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: https://console.example\r\n\r\n")
            #expect(try await client.response().headers["access-control-allow-origin"] == "https://console.example")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n")
            let other = try await client.response()
            #expect(other.status == 200)
            #expect(other.headers["access-control-allow-origin"] == nil)
            #expect(other.headers["vary"] == "Origin")
        }
    }

    @Test func preflightsAreRespondedToForEveryPath() async throws {
        try await withServer(configure: { $0.corsOrigins = ["https://console.example"] }) { server in
            let client = try server.client()
            for (origin, status) in [("https://console.example", 204), ("https://evil.example", 403)] {
                client.send(
                    "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: \(origin)\r\nAccess-Control-Request-Method: POST\r\n\r\n"
                )
                let response = try await client.response()
                #expect(response.status == status)
                #expect((response.headers["access-control-allow-methods"] != nil) == (status == 204))
            }
        }
    }

    @Test func transportSecurityIsOnlyPromisedOverTLS() async throws {
        try await withServer(configure: { $0.trustedProxies = ["127.0.0.1"] }) { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n")
            #expect(try await client.response().headers["strict-transport-security"] != nil)
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().headers["strict-transport-security"] == nil)
        }
    }

    @Test func requestsAreCountedByTemplate() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("GET /workspaces/00000000-0000-0000-0000-000000000001 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().status == 200)
            client.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().status == 404)
            let text = String(decoding: server.metrics.exposition(), as: UTF8.self)
            #expect(text.contains(#"http_requests_total{method="GET",route="/workspaces/{id}",status="200"} 1"#))
            #expect(text.contains(#"http_requests_total{method="other",route="unmatched",status="404"} 1"#))
        }
    }
}
