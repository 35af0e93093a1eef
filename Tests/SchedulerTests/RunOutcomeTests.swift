import Contracts
import Foundation
import Scheduler
import Testing

@Suite("How a run ended")
struct RunOutcomeTests {
    private func outcome(
        _ end: EndedRun.End, status: WorkspaceStatus? = .online, tasks: Int = 0, emptyRuns: Int = 0
    ) -> RunOutcome {
        RunOutcome(of: EndedRun(end: end, status: status, activeTasks: tasks), emptyRuns: emptyRuns)
    }

    private func response(_ json: String) -> EndedRun.End { .completed(response: Array(json.utf8)) }

    @Test(
        "A response that says something is ok",
        arguments: [
            #"{"jsonrpc":"2.0","id":"1","result":{"kind":"message","parts":[{"kind":"text","text":"done"}]}}"#,
            #"{"result":{"parts":[{"type":"text","text":"done"}]}}"#,
            #"{"result":{"parts":[{"kind":"file","file":{"uri":"x"}}]}}"#,
            #"{"result":{"message":{"parts":[{"text":"1.0 has no kind"}]}}}"#,
            #"{"result":{"task":{"artifacts":[{"parts":[{"text":"x"}]}],"status":{"state":"TASK_STATE_COMPLETED"}}}}"#,
            #"{"result":{"kind":"task","status":{"state":"completed","message":{"parts":[{"kind":"text","text":"x"}]}}}}"#,
            #"{"result":"plain"}"#, "not JSON at all", #"{"reply":"of its own"}"#,
            #"{"result":{"kind":"task","status":{"state":"working"}}}"#,
            #"{"result":{"task":{"status":{"state":"TASK_STATE_SUBMITTED"}}}}"#,
            "data: {\"result\":{\"parts\":[{\"kind\":\"text\",\"text\":\"x\"}]}}\n\n",
        ])
    func ok(json: String) {
        #expect(outcome(response(json), emptyRuns: 2) == RunOutcome(status: .ok))
    }

    @Test("A response too long to be inspected counts as non-empty")
    func long() {
        #expect(outcome(.completed(response: nil), emptyRuns: 2) == RunOutcome(status: .ok))
    }

    @Test(
        "Three empty responses in a row are stale",
        arguments: [
            "", "  \n", "null", #"{"result":{"parts":[{"kind":"text","text":"(no response generated)"}]}}"#,
            #"{"result":{"parts":[{"kind":"text","text":" \n "}]}}"#, #"{"result":{"parts":[]}}"#, #"{"result":null}"#,
            #"{"result":{"kind":"task","status":{"state":"completed"}}}"#, #"{"result":""}"#,
            #"{"result":{"message":{"parts":[{"text":""}]}}}"#, "(no response generated)",
            "data: {\"result\":{\"parts\":[]}}\n\n",
        ])
    func stale(json: String) {
        #expect(outcome(response(json)) == RunOutcome(status: .ok, emptyRuns: 1))
        #expect(outcome(response(json), emptyRuns: 1) == RunOutcome(status: .ok, emptyRuns: 2))
        #expect(
            outcome(response(json), emptyRuns: 2)
                == RunOutcome(status: .stale, error: "empty response 3 times in a row", emptyRuns: 3))
    }

    @Test(
        "What the agent says went wrong is the error",
        arguments: [
            (#"{"error":{"code":-32603,"message":"boom"}}"#, "boom"),
            (#"{"error":{"message":"a\u0000b"}}"#, "a\u{FFFD}b"),
            (#"{"error":{"code":-32603}}"#, "the agent answered with an error"),
            (#"{"result":{"kind":"task","status":{"state":"failed"}}}"#, "task failed"),
            (
                #"{"result":{"status":{"state":"rejected","message":{"parts":[{"kind":"text","text":"no"}]}}}}"#,
                "task rejected: no"
            ),
            (#"{"result":{"task":{"status":{"state":"TASK_STATE_CANCELED"}}}}"#, "task canceled"),
            (
                "data: {\"result\":{\"parts\":[{\"kind\":\"text\",\"text\":\"x\"}]}}\n\ndata: {\"error\":{\"message\":\"late\"}}\n\n",
                "late"
            ),
        ])
    func error(json: String, error: String) {
        #expect(outcome(response(json), emptyRuns: 1) == RunOutcome(status: .error, error: error, emptyRuns: 1))
    }

    @Test("A failed message is an error, one that was not taken is skipped")
    func undelivered() {
        #expect(outcome(.failed(error: "refused")).status == .error)
        #expect(outcome(.failed(error: nil)).error == "not delivered")
        #expect(
            outcome(.expired(error: nil, wasTried: false), tasks: 3, emptyRuns: 2)
                == RunOutcome(status: .skipped, error: "skipped: workspace busy (active_tasks=3)", emptyRuns: 2))
        #expect(
            outcome(.expired(error: "expired", wasTried: false), status: .paused).error
                == "skipped: workspace is paused")
        #expect(outcome(.expired(error: nil, wasTried: false), status: nil).error == "skipped: workspace is removed")
        #expect(
            outcome(.expired(error: nil, wasTried: false), status: .provisioning).error
                == "skipped: workspace is provisioning")
        #expect(
            outcome(.expired(error: "workspace budget limit exceeded", wasTried: false)).error
                == "skipped: workspace budget limit exceeded")
        #expect(outcome(.dropped(reason: "dropped on request")).error == "skipped: dropped on request")
    }
}
