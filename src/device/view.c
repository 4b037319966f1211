/* Views are values: a parcel's handle and a range of its bytes. Nothing is kept of them, so there
 * is nothing to undo when the parent goes or shrinks; a check compares them with what the parent is
 * now.
 *
 * No lock: the parent's size is read while it may be resized. It is one word, which is written and
 * read whole (resize.c writes it in the same way), and either value is an answer that was right. */

#include "device/core.h"
#include "device/hold.h"

#include <freehold/parcel.h>

static fh_result check_parent(const fhi_record *record)
{
    if (record->kind == FH_KIND_TEXTURE || record->kind == FH_KIND_EXTERNAL) {
        return fhi_fail(FH_ERR_INVALID,
                        record->kind == FH_KIND_TEXTURE
                            ? "a view is of a buffer or of raw memory, and this is a texture"
                            : "a view is of a buffer or of raw memory, and this is external");
    }
    return FH_OK;
}

fh_result fh_view_make(fh_device *device, fh_parcel parent, uint64_t offset, uint64_t size,
                       fh_view *out_view)
{
    if (out_view) {
        *out_view = (fh_view){{0}, 0, 0};
    }
    if (!device || !out_view) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "out_view: must not be NULL" : "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_record *record = fhi_pin(core, parent);
    if (!record) {
        return FH_ERR_STALE;
    }
    uint64_t committed = fhi_record_committed(record);
    fh_result result = check_parent(record);
    if (result == FH_OK && (offset >= committed || size > committed - offset)) {
        result = fhi_fail_with(FH_ERR_INVALID, "{} bytes from {} on, and the parent has {}", size,
                               offset, committed);
    }
    if (result == FH_OK) {
        *out_view = (fh_view){parent, offset, size != 0 ? size : committed - offset};
    }
    fhi_unpin(core, parent, record);
    return result;
}

fh_result fh_view_check(fh_device *device, const fh_view *view)
{
    if (!device || !view) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "view: must not be NULL" : "device: must not be NULL");
    }
    fhi_core *core = device->core;
    fhi_record *record = fhi_pin(core, view->parent);
    if (!record) {
        return FH_ERR_STALE;
    }
    uint64_t committed = fhi_record_committed(record);
    fh_result result = FH_OK;
    if (view->offset > committed || view->size > committed - view->offset) {
        result = fhi_fail_with(FH_ERR_STALE,
                               "the view's {} bytes from {} on: the parent was resized to {}",
                               view->size, view->offset, committed);
    }
    fhi_unpin(core, view->parent, record);
    return result;
}
