/* Texture formats: names in, tables out. */

#include "binding/format.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"

#include <freehold/format.h>

int fhi_format(lua_State *L)
{
    /* After "none", which is no format. */
    int choice = fhi_check_choice(L, 1, 1, "name", fhi_format_names + 1);
    const fh_format_info *info = fh_format_describe((fh_format)(choice + 1));
    lua_createtable(L, 0, 7);
    fhi_set_text(L, "name", info->name);
    fhi_set_integer(L, "block_width", info->block_width);
    fhi_set_integer(L, "block_height", info->block_height);
    fhi_set_integer(L, "block_bytes", info->block_bytes);
    fhi_set_boolean(L, "depth", (info->traits & FH_FORMAT_DEPTH) != 0);
    fhi_set_boolean(L, "stencil", (info->traits & FH_FORMAT_STENCIL) != 0);
    fhi_set_boolean(L, "compressed", (info->traits & FH_FORMAT_COMPRESSED) != 0);
    return 1;
}

int fhi_formats(lua_State *L)
{
    lua_createtable(L, FH_FORMAT_COUNT - 1, 0);
    for (int i = 1; i < FH_FORMAT_COUNT; i++) {
        lua_pushstring(L, fhi_format_names[i]);
        lua_rawseti(L, -2, i);
    }
    return 1;
}
