import { useNavigate, useSearchParams } from "react-router";

/** Filters of a list, kept in the address. */
export function useFilters(): readonly [URLSearchParams, (name: string, value: string | undefined) => void] {
  const [filters] = useSearchParams();
  const navigate = useNavigate();
  const choose = (name: string, value: string | undefined) => {
    // Of the address and not of the last rendering, which may be older than another choice.
    const [pathname = "", query = ""] = location.hash.slice(1).split("?");
    const search = new URLSearchParams(query);
    if (value) search.set(name, value);
    else search.delete(name);
    void navigate({ pathname, search: search.toString() });
  };
  return [filters, choose];
}
