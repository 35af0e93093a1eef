/// The error messages that clients match literally, and those quoted in the API contract. Changing one breaks clients.
public enum Sentence {
    // Requests in general.
    /// `invalid request body`
    public static let invalidRequestBody = "invalid request body"
    /// `invalid JSON`
    public static let invalidJSON = "invalid JSON"
    /// `rate limit exceeded`
    public static let rateLimitExceeded = "rate limit exceeded"
    /// `platform datastore unavailable — retry shortly`
    public static let platformUnavailable = "platform datastore unavailable — retry shortly"
    /// `internal error`
    public static let internalError = "internal error"

    // Credentials.
    /// `missing workspace auth token`
    public static let missingWorkspaceToken = "missing workspace auth token"
    /// `invalid workspace auth token`
    public static let invalidWorkspaceToken = "invalid workspace auth token"
    /// `missing caller auth token`
    public static let missingCallerToken = "missing caller auth token"
    /// `invalid caller auth token`
    public static let invalidCallerToken = "invalid caller auth token"
    /// `invalid caller ID`
    public static let invalidCallerID = "invalid caller ID"
    /// `admin auth required`
    public static let adminAuthRequired = "admin auth required"
    /// `operator credentials required`
    public static let operatorRequired = "operator credentials required"
    /// `invalid admin auth token`
    public static let invalidAdminToken = "invalid admin auth token"
    /// `invalid or expired stream ticket`
    public static let invalidStreamTicket = "invalid or expired stream ticket"
    /// `invalid admin token`
    public static let invalidSignIn = "invalid admin token"
    /// `read-only token`
    public static let readOnlyToken = "read-only token"
    /// `origin not allowed`
    public static let originNotAllowed = "origin not allowed"

    // Registry and discovery.
    /// `registration failed`
    public static let registrationFailed = "registration failed"
    /// `workspace removed`
    public static let workspaceRemoved = "workspace removed"
    /// `workspace not found`
    public static let workspaceNotFound = "workspace not found"
    /// `workspace not available`
    public static let workspaceNotAvailable = "workspace not available"
    /// `workspace URL failed safety check`
    public static let workspaceURLUnsafe = "workspace URL failed safety check"
    /// `X-Workspace-ID header is required`
    public static let workspaceIDHeaderIsRequired = "X-Workspace-ID header is required"
    /// `not authorized to discover this workspace`
    public static let notAuthorizedToDiscover = "not authorized to discover this workspace"
    /// `invalid workspace payload`
    public static let invalidWorkspacePayload = "invalid workspace payload"
    /// `invalid workspace fields`
    public static let invalidWorkspaceFields = "invalid workspace fields"
    /// `invalid workspace directory`
    public static let invalidWorkspaceDirectory = "invalid workspace directory"
    /// `invalid workspace ID`
    public static let invalidWorkspaceID = "invalid workspace ID"
    /// `invalid token ID`
    public static let invalidTokenID = "invalid token ID"
    /// `maximum 50 active tokens per workspace`
    public static let tooManyTokens = "maximum 50 active tokens per workspace"
    /// `token not found or already revoked`
    public static let tokenNotFound = "token not found or already revoked"
    /// `unknown runtime`
    public static let unknownRuntime = "unknown runtime"
    /// `provisioner not available`
    public static let provisionerNotAvailable = "provisioner not available"
    /// `workspace bootstrap failed`
    public static let bootstrapFailed = "workspace bootstrap failed"
    /// `workspace is not being provisioned`
    public static let notProvisioning = "workspace is not being provisioned"
    /// `workspace start failed`
    public static let workspaceStartFailed = "workspace start failed"
    /// `workspace did not come online in time`
    public static let provisioningTimedOut = "workspace did not come online in time"
    /// `workspace stop failed`
    public static let workspaceStopFailed = "workspace stop failed"
    /// `workspace volume removal failed`
    public static let volumeRemovalFailed = "workspace volume removal failed"
    /// `secret not found`
    public static let secretNotFound = "secret not found"
    /// `only the workspace's own token may read its secrets`
    public static let secretValuesAreTheWorkspaces = "only the workspace's own token may read its secrets"
    /// `failed to decrypt global secret`
    public static let globalSecretUndecryptable = "failed to decrypt global secret"
    /// `failed to decrypt workspace secret`
    public static let workspaceSecretUndecryptable = "failed to decrypt workspace secret"

    // The proxy, its queue and delegations.
    /// `access denied: workspaces cannot communicate per hierarchy rules`
    public static let hierarchyDenied = "access denied: workspaces cannot communicate per hierarchy rules"
    /// `workspace budget limit exceeded`
    public static let budgetExceeded = "workspace budget limit exceeded"
    /// `workspace has no URL`
    public static let workspaceHasNoURL = "workspace has no URL"
    /// `workspace URL is not publicly routable`
    public static let workspaceURLNotPublic = "workspace URL is not publicly routable"
    /// `failed to read agent response`
    public static let agentResponseUnreadable = "failed to read agent response"
    /// `failed to reach workspace agent`
    public static let agentUnreachable = "failed to reach workspace agent"
    /// `the agent's registered URL has moved: it must register the new one`
    public static let agentMoved = "the agent's registered URL has moved: it must register the new one"
    /// `message loop: passed on too often`
    public static let messageLoop = "message loop: passed on too often"
    /// `invalid delegation request`
    public static let invalidDelegation = "invalid delegation request"
    /// `target_id must be a valid UUID`
    public static let targetMustBeUUID = "target_id must be a valid UUID"
    /// `self-delegation not permitted`
    public static let selfDelegation = "self-delegation not permitted"
    /// `status must be 'completed' or 'failed'`
    public static let delegationStatusInvalid = "status must be 'completed' or 'failed'"
    /// `max_age_minutes must be a positive integer`
    public static let maxAgeInvalid = "max_age_minutes must be a positive integer"

    // The notifier.
    /// `message is required`
    public static let messageRequired = "message is required"
    /// `source must be 'canvas' or 'agent'`
    public static let sourceInvalid = "source must be 'canvas' or 'agent'"
    /// `source_id must match authenticated workspace`
    public static let sourceIDMismatch = "source_id must match authenticated workspace"

    // The scheduler.
    /// `access denied`
    public static let accessDenied = "access denied"
    /// `X-Workspace-ID header required`
    public static let workspaceIDHeaderRequired = "X-Workspace-ID header required"
    /// `cron_expr and prompt are required`
    public static let cronAndPromptRequired = "cron_expr and prompt are required"
    /// `schedule not found`
    public static let scheduleNotFound = "schedule not found"

    // The sweeper.
    /// `dead message not found`
    public static let deadMessageNotFound = "dead message not found"
    /// `invalid dead message ID`
    public static let invalidDeadMessageID = "invalid dead message ID"
    /// `dead message cannot be replayed`
    public static let deadMessageUndeliverable = "dead message cannot be replayed"
    /// `message broker unavailable — retry shortly`
    public static let brokerUnavailable = "message broker unavailable — retry shortly"

    /// The error for an activity report of an unknown type, naming the accepted ones.
    public static let activityTypeInvalid =
        "invalid activity_type, must be one of: "
        + ActivityType.reportable.map(\.rawValue).joined(separator: ", ")

    /// The error for an unknown time zone.
    public static func invalidTimezone(_ name: String) -> String { "invalid timezone: \(name)" }

    /// The error for an attachment without `uri` or `name`.
    public static func attachmentIncomplete(_ index: Int) -> String {
        "attachment[\(index)]: uri and name are required"
    }

    /// `invalid schedule ID`
    public static let invalidScheduleID = "invalid schedule ID"
    /// The error for a cron expression that cannot be parsed.
    public static let invalidCronExpression = "invalid cron expression"
    /// The error for a schedule beyond ``Limits/schedules``.
    public static let tooManySchedules = "maximum \(Limits.schedules) schedules per workspace"
    /// The error for a name that another schedule of the workspace has.
    public static let scheduleNameTaken = "a schedule of this name exists"
    /// The error for a run while ``Limits/waitingRuns`` runs of the schedule are waiting.
    public static let tooManyWaitingRuns = "too many runs of this schedule are waiting"

    /// Why a slot was skipped: the run before it had not ended.
    public static let scheduleSkippedOverlap = "skipped: previous run has not ended"

    /// Why a slot was skipped: its workspace accepts no messages in this status.
    public static func scheduleSkipped(workspace status: WorkspaceStatus) -> String {
        "skipped: workspace is \(status.rawValue)"
    }

    /// Why slots were skipped: nothing could fire while they passed.
    ///
    /// - Parameter isAtLeast: counting stopped at a limit.
    public static func scheduleSkipped(missed count: Int, isAtLeast: Bool) -> String {
        "skipped: \(isAtLeast ? "at least " : "")\(count) missed \(count == 1 ? "slot" : "slots")"
    }

    /// Why a schedule's run was skipped: its workspace was busy.
    public static func scheduleSkippedBusy(activeTasks: Int) -> String {
        "skipped: workspace busy (active_tasks=\(activeTasks))"
    }
}

/// The values of `code` in an error body.
public enum ErrorCode: String, Codable, Hashable, Sendable, CaseIterable {
    /// Postgres cannot be reached; retryable.
    case platformUnavailable = "platform_unavailable"
    /// The body is larger than allowed.
    case payloadTooLarge = "payload_too_large"
    /// The client made too many requests.
    case rateLimited = "rate_limited"
    /// The address of a workspace must not be called, such as a private one.
    case unsafeURL = "unsafe_url"
    /// The same `Idempotency-Key` was sent with another body.
    case idempotencyConflict = "idempotency_conflict"
    /// The first request with this `Idempotency-Key` is still running.
    case idempotencyInProgress = "idempotency_in_progress"
}
