/* require "freehold": the module's table. One per Lua state: it is kept in the registry, so that a
 * program that empties package.loaded and requires again gets the same metatables, and old and new
 * objects understand each other. The functions are described in api.lua, from which the manual and
 * the editor's types are made; tests/spec/api_spec.lua compares the two. */

#include "binding/adapter.h"
#include "binding/block.h"
#include "binding/budget.h"
#include "binding/class.h"
#include "binding/clock.h"
#include "binding/device.h"
#include "binding/format.h"
#include "binding/mapping.h"
#include "binding/observer.h"
#include "binding/parcel.h"
#include "binding/policy.h"
#include "binding/policy_test.h"
#include "binding/pool.h"
#include "binding/profile.h"
#include "binding/queue.h"
#include "binding/range.h"
#include "binding/recording.h"
#include "binding/replay.h"
#include "binding/request.h"
#include "binding/result.h"
#include "binding/trace.h"
#include "binding/trace_event.h"
#include "binding/trace_reader.h"
#include "binding/trace_writer.h"
#include "binding/trusted.h"
#include "binding/view.h"

#include <freehold/api.h>

/* The registry key is the address. */
static const char module_key = 0;

FH_API int luaopen_freehold(lua_State *L);

int luaopen_freehold(lua_State *L)
{
    /* Those that look at the upvalues; the others do without. */
    static const luaL_Reg block_functions[] = {
        {"block", fhi_block_create},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"adapters", fhi_adapters},
        {"backends", fhi_backends},
        {"device", fhi_device_open},
        {"format", fhi_format},
        {"formats", fhi_formats},
        {"now_ns", fhi_clock_now_ns},
        {"policy_test", fhi_policy_test},
        {"profile", fhi_profile},
        {"profiles", fhi_profiles},
        {"recording", fhi_open_recording},
        {"texture_bytes", fhi_texture_bytes},
        {"trace_kinds", fhi_trace_kinds},
        {"trace_reader", fhi_open_trace_reader},
        {"trace_writer", fhi_open_trace_writer},
        {NULL, NULL},
    };
    static const fhi_class *const classes[] = {
        &fhi_budget_class,       &fhi_device_class,       &fhi_mapping_class,
        &fhi_observer_class,     &fhi_parcel_class,       &fhi_policy_class,
        &fhi_policy_test_class,  &fhi_pool_class,         &fhi_queue_class,
        &fhi_recording_class,    &fhi_replay_class,       &fhi_trace_class,
        &fhi_trace_reader_class, &fhi_trace_writer_class, &fhi_trusted_class,
        &fhi_view_class,
    };
#if defined(__ELF__)
    /* Weak references (sandbox/lua54.h): this is another Lua when they are NULL. */
    if (&lua_newuserdatauv == NULL || &lua_version == NULL || &luaL_checkversion_ == NULL) {
        return luaL_error(L, "freehold needs Lua 5.4, and this program has another Lua");
    }
#endif
    luaL_checkversion(L);
    luaL_checkstack(L, 6, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) {
        return 1;
    }
    lua_newtable(L); /* module */
    int module = lua_gettop(L);
    lua_newtable(L); /* module block */
    lua_newtable(L); /* module block range */
    fhi_block_register(L);
    fhi_range_register(L);
    luaL_setfuncs(L, block_functions, FHI_UPVALUE_COUNT); /* module */
    luaL_setfuncs(L, functions, 0);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        fhi_class_register(L, classes[i]);
    }

    lua_pushinteger(L, (lua_Integer)1 << 10);
    lua_setfield(L, module, "KiB");
    lua_pushinteger(L, (lua_Integer)1 << 20);
    lua_setfield(L, module, "MiB");
    lua_pushinteger(L, (lua_Integer)1 << 30);
    lua_setfield(L, module, "GiB");
    lua_pushstring(L, fh_version());
    lua_setfield(L, module, "version");
    fhi_push_result_table(L);
    lua_setfield(L, module, "result");

    lua_pushvalue(L, module);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}
