import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension OperatorTests {
    @Suite("Instances", .serialized)
    struct InstanceTests {
        private func instances(_ fleet: Fleet) async throws -> [JSONValue] {
            try await fleet.apis[4].call(.get, "/admin/instances").json["instances"]?.array ?? []
        }

        @Test("Every instance announces itself; one that stops takes that back, one that is killed grows old")
        func announced() async throws {
            try await Fleet.with(Fleet.allServices + ["registry"]) { fleet in
                try await eventually("all to be there") { try await instances(fleet).count == 6 }
                let found = try await instances(fleet)
                #expect(
                    found.map { $0["service"]?.string }
                        == ["a2a-proxy", "notifier", "registry", "registry", "scheduler", "sweeper"])
                for instance in found {
                    #expect(instance["is_alive"] == true && instance["version"]?.string?.isEmpty == false)
                    #expect(instance["instance"]?.string?.hasPrefix(instance["service"]?.string ?? "-") == true)
                }
                let ports = Set(fleet.services.map { "127.0.0.1:\($0.port)" })
                #expect(Set(found.compactMap { $0["address"]?.string }) == ports)
                // Ready at the latest at the second announcement.
                try await eventually("all to be ready") {
                    try await instances(fleet).allSatisfy {
                        $0["is_ready"] == true && $0["not_ready_since"] == .null
                            && $0["dependencies"] == ["postgres": "up", "rabbitmq": "up", "redis": "up"]
                    }
                }
                let events = try await fleet.apis[4].call(.get, "/admin/instances").json["unpublished_events"]
                #expect(events?["count"]?.int == 0 && events?["oldest_seconds"] == .null)
                #expect(await fleet.services[5].terminate() == 0)
                try await eventually("the one that stops to be gone") { try await instances(fleet).count == 5 }
                await fleet.services[2].kill9()
                try await fleet.sql(
                    "UPDATE service_instances SET last_seen_at = now() - interval '31 s' WHERE service = 'scheduler'")
                let old = try await instances(fleet).first { $0["service"] == "scheduler" }
                #expect(old?["is_alive"] == false)
                try await fleet.sql(
                    "UPDATE service_instances SET last_seen_at = now() - interval '11 min' WHERE service = 'scheduler'")
                try await eventually("it to be forgotten") {
                    try await instances(fleet).count == 4
                }
            }
        }
    }
}
