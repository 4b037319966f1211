/* What floor 7 uses of a device's insides. The rest of it sees public headers only. */

#ifndef FREEHOLD_SCRIPT_DEVICE_H
#define FREEHOLD_SCRIPT_DEVICE_H

#include <freehold/device.h>
#include <freehold/observer.h>
#include <freehold/policy.h>

/* The device's, resolved. */
fh_host_memory fhi_device_memory(const fh_device *device);
fh_log fhi_device_log(const fh_device *device);

/* Whether the calling thread is in one of its hooks. */
bool fhi_device_in_hook(fh_device *device);

/* What its hooks would see now. */
void fhi_device_facts(fh_device *device, fh_facts *out_facts);

/* Whether anybody observes decisions; and tell who does. NULL device: nobody. No lock held. */
bool fhi_device_watches_decisions(const fh_device *device);
void fhi_device_tell_decided(fh_device *device, fh_event *event);

/* NULL: it has no pool of that name. */
fh_pool *fhi_device_pool(fh_device *device, const char *name);

#endif
