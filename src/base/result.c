/* Results as text: everything is made from the one list in result.h. */

#include <freehold/result.h>

const char *fh_version(void)
{
    return FH_VERSION_STRING;
}

const char *fh_result_name(fh_result result)
{
    switch (result) {
#define RESULT_NAME(name, value, message)                                                          \
    case FH_##name:                                                                                \
        return "FH_" #name;
        FH_RESULTS(RESULT_NAME)
#undef RESULT_NAME
    }
    return "FH_ERR_UNKNOWN";
}

const char *fh_result_message(fh_result result)
{
    switch (result) {
#define RESULT_MESSAGE(name, value, message)                                                       \
    case FH_##name:                                                                                \
        return message;
        FH_RESULTS(RESULT_MESSAGE)
#undef RESULT_MESSAGE
    }
    return "not a result of this library";
}
