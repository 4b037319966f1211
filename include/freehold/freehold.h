/* Freehold decides where GPU memory comes from, and lets Lua scripts make the decisions.
 *
 * This header includes all the others; open it first. What is there:
 *
 *  - **Blocks** (block.h): bookkeeping over a range of offsets of any unit. TLSF for anything:
 *    alloc and free in O(1) in any order, exact sizes, any power-of-two alignment, and a refusal
 *    only where truly nothing fits. Linear for scratch memory: a stack, a ring, a double stack, or
 *    everything freed at once. Whoever manages a descriptor heap, an index buffer or a file's pages
 *    can stop here: blocks know no GPU.
 *  - **Devices** (device.h): one adapter, opened through one backend. Everything below is made with
 *    a device, from any thread.
 *  - **Parcels** (parcel.h): pieces of memory in use. A *buffer* or a *texture* with its object
 *    (resource.h, format.h), *raw* memory for engines that make their own objects, *external*
 *    memory that others own and that is counted here. A handle is a value; when it is stale, every
 *    call says so. A parcel that is released stays until the queues have passed its last uses,
 *    which are *epochs* (epoch.h).
 *  - **Pools** (pool.h): where parcels are cut from. A device has one for each memory type
 *    (memory.h); a program makes more where some parcels should live by rules of their own.
 *  - **Accounts** (account.h): what is used, in all, per heap, per kind and per tag, and limits,
 *    which are never exceeded, not by a byte.
 *  - **Policies** (policy.h): what decides: where a kind of request goes, what is done when memory
 *    is short, how long empty blocks stay. A table of C functions, all of them optional; without
 *    one the native rules decide.
 *  - **Scripts** (script.h): policies in Lua, sandboxed, whose authors edit them while the program
 *    runs. A new version takes effect at the next tick, and a broken one stops nothing.
 *  - **Allocators** (allocator.h): a program's own way of making parcels, in front of a device.
 *    **Observers** (observer.h): who is told what happens in it.
 *  - **Traces** (trace.h): files that tell what a program did with GPU memory. A device records
 *    itself; a Vulkan layer records any program; what an event is, is in trace_event.h. **Replays**
 *    (replay.h) play a recording under another policy, on another card, and give figures that stand
 *    beside what the program did itself.
 *  - **Backends** (backend.h): what stands between Freehold and a driver. The one there is today is
 *    the *host backend* (simulated.h): a GPU simulated in the program's memory, which needs nothing
 *    installed, and whose troubles can be scripted.
 *
 *     fh_device *device;
 *     fh_parcel mesh;
 *     fh_device_create(&(fh_device_desc){0}, &device);
 *     fh_buffer_create(device, &(fh_buffer_desc){.size = 4 << 20, .usage = FH_USAGE_VERTEX |
 *                      FH_USAGE_COPY_DST}, &mesh);
 *     fh_parcel_write(device, mesh, 0, vertices, 4 << 20, NULL);
 *     ...
 *     fh_parcel_use(device, mesh, (fh_epoch){graphics, frame});
 *     fh_parcel_release(device, mesh);
 *     fh_device_tick(device);                                     (once a frame)
 *
 *     fh_policy_load(device, &(fh_policy_desc){.source.path = "budget.lua", .watch = true}, NULL);
 *
 * Three rules hold in every header:
 *
 *  - A descriptor that is zero but for the required fields is valid; every enum's 0 is its default.
 *  - What can fail returns an fh_result (result.h). A caller's mistake is an error in every build,
 *    never an assertion, and changes nothing; fh_error_detail() has the sentence.
 *  - Outputs are last, and set also on failure: to zero, or to what the documentation says.
 *
 * No lock of Freehold's is held while anything of the program's is called: a policy, an allocator,
 * an observer, the log, host memory (host.h), or a backend.
 *
 * Sizes and offsets are 64-bit bytes; statistics (stats.h) are the same few counters everywhere.
 * Names of functions are fh_<noun>_<verb>, those of types fh_<noun>. */

#ifndef FREEHOLD_FREEHOLD_H
#define FREEHOLD_FREEHOLD_H

#include <freehold/account.h>
#include <freehold/allocator.h>
#include <freehold/api.h>
#include <freehold/backend.h>
#include <freehold/block.h>
#include <freehold/device.h>
#include <freehold/epoch.h>
#include <freehold/format.h>
#include <freehold/host.h>
#include <freehold/memory.h>
#include <freehold/observer.h>
#include <freehold/parcel.h>
#include <freehold/policy.h>
#include <freehold/pool.h>
#include <freehold/replay.h>
#include <freehold/resource.h>
#include <freehold/result.h>
#include <freehold/script.h>
#include <freehold/simulated.h>
#include <freehold/stats.h>
#include <freehold/trace.h>
#include <freehold/trace_event.h>

#endif
