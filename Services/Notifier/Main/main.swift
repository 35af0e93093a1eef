import Notifier
import ServiceHost

await ServiceHost.run(NotifierService.self)
