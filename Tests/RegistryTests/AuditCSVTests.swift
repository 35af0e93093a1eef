import Foundation
import Testing

@testable import Registry

@Suite("The audit log as a table")
struct AuditCSVTests {
    @Test(
        "A cell is text, whatever it begins with, and stays one cell",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), (#"a"b"#, #""a""b""#), ("a,b\r\nc", "\"a,b\r\nc\""),
            ("=1+1", #""'=1+1""#), ("+1", #""'+1""#), ("-1", #""'-1""#), ("@SUM(A1)", #""'@SUM(A1)""#),
            ("\t=1", "\"'\t=1\""), ("\r=1", "\"'\r=1\""), ("\r\n=1", "\"'\r\n=1\""), ("1=1", #""1=1""#),
            (#"=cmd|'/c calc'!A1"#, #""'=cmd|'/c calc'!A1""#), (#""=1"#, #""""=1""#), ("=\u{301}1", "\"'=\u{301}1\""),
        ])
    func cells(_ text: String, _ cell: String) {
        #expect(AuditCSV.cell(text) == cell)
    }

    @Test("A row has a cell for each column")
    func rows() {
        let record = AuditRecord(
            id: 7, at: Date(timeIntervalSince1970: 0), actor: "org", actorName: "=1", tokenPrefix: "-abcdefg",
            via: "token", action: "POST /workspaces", target: nil, targetName: nil, service: "registry", status: 503,
            requestID: "r", clientIP: "::1", detail: #"{"left":1}"#)
        #expect(
            AuditCSV.row(record)
                == #""7","1970-01-01T00:00:00.000000Z","org","'=1","'-abcdefg","token","POST /workspaces","","","registry","#
                + #""503","failed","r","::1","{""left"":1}""# + "\r\n")
        #expect(AuditCSV.header.split(separator: ",").count == 15)
    }

    @Test(
        "How a request ended",
        arguments: [
            (200, AuditResult.ok), (204, .ok), (302, .ok), (400, .refused), (403, .refused), (499, .refused),
            (500, .failed),
            (503, .failed), (nil, .unknown),
        ] as [(Int?, AuditResult)])
    func results(_ status: Int?, _ result: AuditResult) {
        #expect(AuditResult(status: status) == result)
    }
}
