import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

@Suite("Rows of the feed and a database that goes away", .serialized)
struct LostRowTests {
    @Test("Each row is written once, also when the response is cut off", arguments: LossyRelay.Cut.allCases)
    func once(_ cut: LossyRelay.Cut) async throws {
        try await Fleet.with(["registry"]) { fleet in
            let database = try await fleet.sql("SELECT current_database()::text, inet_server_port()")[0]
            let relay = try LossyRelay(to: UInt16(database.int(1)))
            defer { relay.stop() }
            let url = "postgres://switchyard@127.0.0.1:\(relay.port)/\(database.string(0))"
            try await fleet.start("a2a-proxy", with: ["DATABASE_URL": url]) { proxy in
                try await fleet.withAgents(1, registry: fleet.api) { agents in
                    relay.cut(2, cut)
                    for number in 0..<10 {
                        #expect(try await proxy.message("\(number)", to: agents[0].id).status == 200)
                    }
                    var rows = 0
                    try await eventually("the rows", detail: { "\(rows), \(relay.cuts)" }) {
                        rows = try await fleet.sql(
                            "SELECT count(*)::int FROM activity_logs WHERE workspace_id = $1::uuid", [agents[0].id])[0]
                            .int(0)
                        return rows == 10 && relay.cuts == 2
                    }
                    // Once more something to write, behind which everything earlier is done.
                    #expect(try await proxy.message("last", to: agents[0].id).status == 200)
                    try await eventually("the last row") {
                        try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) == 11
                    }
                    let metrics = try await proxy.call(.get, "/metrics").text
                    #expect(metrics.contains("switchyard_a2a_activity_dropped_total 0"), "\(metrics)")
                }
            }
        }
    }
}
