"""PostgreSQL, where several processes on several machines share what one keeps in its data folder.

`address` is where it is, `connection` how it is spoken to, `pools` the connections of a process,
`schema` the tables' versions, `owners` who is alive. What is kept there is no business of this
package.
"""
