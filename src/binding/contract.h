/* The contract between policies and the core (sandbox/contract.h), in a Lua state of the program's:
 * what its tables and facts need there, once per state. */

#ifndef BINDING_CONTRACT_H
#define BINDING_CONTRACT_H

#include "sandbox/decision.h"

typedef struct fhi_contract {
    fhi_facts_scope scope;      /* of all facts */
    fhi_decision_reader reader; /* of all decisions */
    bool busy;                  /* a hook runs in this state: the two above are its own */
} fhi_contract;

/* The state's own; lives as long as the state does. May raise (out of memory). */
fhi_contract *fhi_contract_open(lua_State *L);

#endif
