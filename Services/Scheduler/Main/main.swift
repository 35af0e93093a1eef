import Scheduler
import ServiceHost

await ServiceHost.run(SchedulerService.self)
