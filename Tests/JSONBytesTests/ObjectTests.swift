import JSONBytes
import Testing

@Suite struct ObjectTests {
    private let heartbeat = try! JSONObject(
        validating: Array(
            #"""
            {"workspace_id": "6f1c", "error_rate": 0.25, "active_tasks": 2, "uptime_seconds": 3600.0, "alive": true,
             "current_task": "read \"x\"\n\ud83d\ude00", "sample_error": null, "runtime_state": "",
             "runtime_metadata": {"capabilities": {"session": true, "status_mgmt": false}, "idle_timeout_seconds": 600},
             "list": [1, "two", {"three": 3}, [], null], "esc\u0061ped": 1}
            """#.utf8))

    @Test func readsFieldsByType() throws {
        #expect(try heartbeat.string("workspace_id") == "6f1c")
        #expect(try heartbeat.clampedDouble("error_rate") == 0.25)
        #expect(try heartbeat.clampedDouble("active_tasks") == 2)
        #expect(try heartbeat.int("active_tasks") == 2)
        #expect(try heartbeat.int("uptime_seconds") == 3600)
        #expect(try heartbeat.bool("alive") == true)
        #expect(try heartbeat.string("current_task") == "read \"x\"\n😀")
        #expect(try heartbeat.string("runtime_state")?.isEmpty == true)
        #expect(try heartbeat.array("list")?.count == 5)
        #expect(try heartbeat.int("escaped") == 1)
        let metadata = try #require(try heartbeat.object("runtime_metadata"))
        #expect(try metadata.int("idle_timeout_seconds") == 600)
        #expect(metadata.find("capabilities", "session")?.bool == true)
        #expect(heartbeat.find("runtime_metadata", "capabilities", "status_mgmt")?.bool == false)
        #expect(metadata.range == heartbeat.find("runtime_metadata")?.range)
    }

    @Test func takesAbsentAndNullAsNothing() throws {
        #expect(try heartbeat.string("sample_error") == nil)
        #expect(try heartbeat.string("absent") == nil)
        #expect(heartbeat["sample_error"]?.isNull == true)
        #expect(heartbeat["absent"] == nil)
        #expect(heartbeat.raw("sample_error") == nil)
        #expect(heartbeat.find("workspace_id", "deeper") == nil)
        #expect(heartbeat.find("runtime_metadata", "absent", "x") == nil)
    }

    @Test func namesTheFieldOfAWrongType() {
        #expect(throws: JSONFieldError(field: "active_tasks", expected: "a string")) {
            try heartbeat.string("active_tasks")
        }
        #expect(throws: JSONFieldError(field: "error_rate", expected: "a whole number")) {
            try heartbeat.int("error_rate")
        }
        #expect(throws: JSONFieldError(field: "alive", expected: "a number")) { try heartbeat.clampedDouble("alive") }
        #expect(throws: JSONFieldError(field: "workspace_id", expected: "true or false")) {
            try heartbeat.bool("workspace_id")
        }
        #expect(throws: JSONFieldError(field: "list", expected: "an object")) { try heartbeat.object("list") }
        #expect(throws: JSONFieldError(field: "alive", expected: "an array")) { try heartbeat.array("alive") }
        #expect(throws: JSONFieldError(field: "sample_error", expected: "a string", isMissing: true)) {
            try heartbeat.requiredString("sample_error")
        }
        #expect(JSONFieldError(field: "id", expected: "a string").description == "id must be a string")
        #expect(JSONFieldError(field: "id", expected: "", isMissing: true).description == "id is required")
    }

    @Test func takesTheLastOfDuplicates() throws {
        let object = try JSONObject(validating: Array(#"{"a":{"x":1},"b":1,"a":{"y":2},"\u0062":7}"#.utf8))
        #expect(object.find("a", "x") == nil)
        #expect(object.find("a", "y")?.int == 2)
        #expect(object.slice.find("a", "y")?.int == 2)
        #expect(object["b"]?.int == 7)
        #expect(object.members.map(\.name) == ["a", "b", "a", "b"])
    }

    @Test func readersRefuseDuplicates() throws {
        let object = try JSONObject(
            validating: Array(#"{"a":{"x":1},"b":1,"a":{"y":2},"\u0062":7,"c":{"d":1,"d":2},"e":null,"e":1}"#.utf8))
        #expect(throws: JSONFieldError(field: "b", expected: "given once")) { try object.int("b") }
        #expect(throws: JSONFieldError(field: "a", expected: "given once")) { try object.object("a") }
        #expect(throws: JSONFieldError(field: "e", expected: "given once")) { try object.string("e") }
        #expect(throws: JSONFieldError(field: "a", expected: "given once")) { try object.unique("a") }
        #expect(throws: JSONFieldError(field: "d", expected: "given once")) { try object.unique("c")?.unique("d") }
        #expect(try object.unique("z") == nil)
    }

    @Test(arguments: [
        ("1e999", Int.max, Double.greatestFiniteMagnitude), ("-1e999", .min, -.greatestFiniteMagnitude),
        ("99999999999999999999", .max, 1e20), ("-99999999999999999999", .min, -1e20), ("7", 7, 7),
    ])
    func clampsNumbersThatRanAway(_ text: String, _ whole: Int, _ number: Double) throws {
        let object = try JSONObject(validating: Array(#"{"n":\#(text),"f":1.5,"s":"1"}"#.utf8))
        #expect(try object.clampedInt("n") == whole)
        #expect(try object.clampedDouble("n") == number)
        #expect(throws: JSONFieldError.self) { try object.clampedInt("f") }
        #expect(throws: JSONFieldError.self) { try object.clampedDouble("s") }
    }

    @Test func findsNamesHoweverTheyAreWritten() throws {
        let object = try JSONObject(
            validating: Array(#"{"\u0061\ud83d\ude00b":1,"\u00e9":2,"a\/b":3,"\u0061b":4,"abcdefg\u0068":5}"#.utf8))
        #expect(object["a😀b"]?.int == 1 && object["é"]?.int == 2 && object["a/b"]?.int == 3)
        #expect(object["ab"]?.int == 4 && object["abcdefgh"]?.int == 5 && object["abcdefg"] == nil)
    }

    @Test(arguments: ["[]", "1", "\"{}\"", "null", " true "])
    func refusesWhatIsNoObject(_ text: String) {
        #expect(throws: JSONError(.notAnObject, at: 0)) { try JSONObject(validating: Array(text.utf8)) }
    }

    @Test(arguments: ["", "[", "{]", "{}}", "{\"a\":1 \"b\":2}", "{\"a\":1,}", "{\"a\"}", "nope"])
    func refusesWhatIsNoJSON(_ text: String) {
        #expect { try JSONObject(validating: Array(text.utf8)) } throws: { ($0 as? JSONError)?.kind != .notAnObject }
    }

    @Test func walksArrays() throws {
        let list = try #require(heartbeat["list"]?.elements)
        #expect(list.map(\.kind) == [.number, .string, .object, .array, .null])
        #expect(list[2].find("three")?.int == 3)
        #expect(list[3].elements?.isEmpty == true)
        #expect(Array(list[1].bytes) == Array("\"two\"".utf8))
    }

    @Test(
        "Numbers at the edges of their types",
        arguments: [
            ("9223372036854775807", Int.max, 9223372036854775808),
            ("-9223372036854775808", Int.min, -9223372036854775808),
            ("9223372036854775808", nil, 9223372036854775808),
            ("-9223372036854775809", nil, -9223372036854775808),
            ("-9.223372036854776e+18", nil, -9223372036854775808), ("1e3", 1000, 1000), ("1.5", nil, 1.5), ("-0", 0, 0),
            ("1e400", nil, nil), ("-1e400", nil, nil), ("1e-400", 0, 0), ("0.1", nil, 0.1),
            ("123456789.125", nil, 123_456_789.125),
            ("0.30000000000000004", nil, 0.30000000000000004),
            ("2.2250738585072014e-308", nil, 2.2250738585072014e-308),
            ("1.7976931348623157e308", nil, Double.greatestFiniteMagnitude), ("100000000000000000000e-18", 100, 100),
        ] as [(String, Int?, Double?)])
    func readsNumbers(_ text: String, _ whole: Int?, _ floating: Double?) throws {
        let value = try JSONSlice(validating: Array(text.utf8))
        #expect(value.int == whole)
        #expect(value.double == floating)
    }

    @Test func readsDoublesExactly() throws {
        var random = FoundationComparisonTests.Generator(state: 7)
        for _ in 0..<20_000 {
            let number =
                Bool.random(using: &random)
                ? Double(bitPattern: random.next())
                : Double(Int.random(in: -99_999_999...99_999_999, using: &random)) / 1000
            guard number.isFinite else { continue }
            let read = try JSONSlice(validating: Array(number.description.utf8)).double
            #expect(read?.bitPattern == number.bitPattern || number == 0)
        }
    }
}
