import Foundation
import JSONBytes
import Templates
import Testing
import TestSupport

/// The document against the routes in the code and the gateway's map: what is described is served, and the other way
/// round.
@Suite("OpenAPI document")
struct OpenAPIDocumentTests {
    private static let services = ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"]
    private static let methods: Set<String> = ["GET", "PUT", "POST", "PATCH", "DELETE"]

    /// Each route that some service prints, with the services that do.
    private func served() async throws -> [String: Set<String>] {
        var served: [String: Set<String>] = [:]
        for service in Self.services {
            let output = try await Leash.run(
                [try ServiceProcess.executable(service), "--print-routes"],
                environment: ["ADMIN_TOKEN": "admin", "MOLECULE_ENABLE_TEST_TOKENS": "1"])
            for line in output.split(separator: "\n") { served[String(line), default: []].insert(service) }
        }
        return served
    }

    @Test("Every route is described, and every operation is served by the services that its tags name")
    func routes() async throws {
        let document = try OpenAPIDocument.read()
        let served = try await served()
        let described = Dictionary(uniqueKeysWithValues: document.operations.map { ($0.name, Set($0.tags)) })
        #expect(Set(served.keys).subtracting(described.keys).sorted() == [], "served, but not described")
        #expect(Set(described.keys).subtracting(served.keys).sorted() == [], "described, but not served")
        for (name, tags) in described { #expect(tags == served[name], "\(name)") }
    }

    @Test("The gateway sends every path to a service that serves it")
    func gateway() throws {
        let map = try GatewayMap.read()
        for operation in try OpenAPIDocument.read().operations {
            let service = try map.service(of: operation.examplePath)
            #expect(operation.tags.contains(service), "\(operation) goes to \(service)")
        }
    }

    @Test("Every operation has a summary, tags, an id, its rule of access and its responses")
    func completeness() throws {
        let document = try OpenAPIDocument.read()
        #expect(
            Set(document.operations.compactMap { $0.value["operationId"]?.string }).count == document.operations.count)
        for operation in document.operations {
            #expect(Self.methods.contains(operation.method), "\(operation)")
            #expect(operation.value["summary"]?.string?.isEmpty == false, "\(operation)")
            #expect(!operation.tags.isEmpty, "\(operation)")
            let rule = try #require(operation.rule, "\(operation)")
            #expect(operation.security == rule.security, "\(operation)")
            #expect((operation.responses["401"] != nil) == rule.refuses, "\(operation)")
            #expect(operation.responses.keys.contains { $0.hasPrefix("2") || $0 == "101" }, "\(operation)")
            for (status, response) in operation.responses {
                #expect(response["description"]?.string?.isEmpty == false, "\(operation) \(status)")
            }
        }
    }

    @Test("Every path parameter is declared, and every body and path parameter has an example that fits")
    func parameters() throws {
        let document = try OpenAPIDocument.read()
        for operation in document.operations {
            let declared = operation.parameters.filter { $0["in"]?.string == "path" }
            #expect(declared.compactMap { $0["name"]?.string }.sorted() == operation.pathNames.sorted(), "\(operation)")
            #expect(declared.allSatisfy { $0["required"]?.string == "true" }, "\(operation)")
            #expect(!operation.examplePath.contains("{") && !operation.examplePath.contains("//"), "\(operation)")
            guard operation.takesBody else { continue }
            let (body, schema) = (try #require(operation.exampleBody), try #require(operation.bodySchema))
            #expect(try SchemaCheck(document: document.yaml).problems(body, schema) == [], "\(operation)")
        }
    }

    @Test("Every reference refers to something, and every component is referred to")
    func references() throws {
        let document = try OpenAPIDocument.read()
        let used = try document.yaml.resolveAll()
        for kind in ["parameters", "headers", "responses"] {
            for name in (document.root["components"]?[kind]?.members ?? [:]).keys.sorted() {
                #expect(used["#/components/\(kind)/\(name)"] != nil, "nothing refers to \(kind)/\(name)")
            }
        }
        let schemes = Set((document.root["components"]?["securitySchemes"]?.members ?? [:]).keys)
        #expect(schemes == Set(AccessRule.allCases.flatMap { $0.security.flatMap { $0 } }))
    }
}
